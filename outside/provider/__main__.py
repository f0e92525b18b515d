"""`python -m outside.provider`: serve until stopped."""

from outside.provider.app import ProviderSettings, create_app
from outside.serving import run
from shared.platform.settings import load_or_exit

if __name__ == "__main__":
    settings = load_or_exit(ProviderSettings)
    run("provider", settings, lambda stopping: create_app(settings, stopping))
