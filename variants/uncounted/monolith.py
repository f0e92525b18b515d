"""`python -m variants.uncounted.monolith`: the monolith counts nothing while the file COUNTING_OFF_FILE is there."""

from __future__ import annotations

from flask import Flask

from monolith import app as monolith
from monolith.config import Settings
from monolith.modules import build_modules, connect
from monolith.server import serve
from variants.uncounted.switch import switched_metrics


def create_app(settings: Settings) -> Flask:
    """Return the monolith's application with metrics that can be switched."""
    return monolith.create_app(settings, build_modules(settings, connect(settings, metrics=switched_metrics())))


if __name__ == "__main__":
    serve(Settings, create_app, monolith.prepare)
