"""`python -m variants.uncounted orders`: counts nothing while the file COUNTING_OFF_FILE is there."""

from __future__ import annotations

from microservices.kit.runtime import ServiceRuntime
from microservices.kit.settings import ServiceSettings
from shared.platform.metrics import Metrics
from shared.platform.settings import load_or_exit
from variants.services import main
from variants.uncounted.settings import CountingSettings


class UncountedRuntime(ServiceRuntime):
    """A runtime whose metrics can be switched."""

    def __init__(self, name: str, settings: ServiceSettings) -> None:
        super().__init__(name, settings, Metrics(off_file=load_or_exit(CountingSettings).counting_off_file))


if __name__ == "__main__":
    main(UncountedRuntime)
