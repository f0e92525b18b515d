"""`python -m variants.uncounted orders`: counts nothing while the file COUNTING_OFF_FILE is there."""

from __future__ import annotations

from microservices.kit.runtime import ServiceRuntime
from microservices.kit.settings import ServiceSettings
from variants.services import main
from variants.uncounted.switch import switched_metrics


class UncountedRuntime(ServiceRuntime):
    """A runtime whose metrics can be switched."""

    def __init__(self, name: str, settings: ServiceSettings) -> None:
        super().__init__(name, settings, switched_metrics())


if __name__ == "__main__":
    main(UncountedRuntime)
