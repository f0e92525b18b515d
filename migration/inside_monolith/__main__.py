"""Serves the monolith whose modules can be extracted."""

from migration.inside_monolith.app import create_app, prepare
from migration.inside_monolith.config import ExtractableSettings
from monolith.server import serve

if __name__ == "__main__":
    serve(ExtractableSettings, create_app, prepare)
