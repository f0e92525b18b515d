"""`python -m shared.outside.provider`: serve until stopped."""

from shared.outside.provider.app import ProviderSettings, create_app
from shared.outside.serving import run
from shared.platform.settings import load_or_exit

if __name__ == "__main__":
    settings = load_or_exit(ProviderSettings)
    run("provider", settings, lambda stopping: create_app(settings, stopping))
