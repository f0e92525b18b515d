"""Metrics that a file turns off."""

from __future__ import annotations

import os
import threading
import time

from prometheus_client import Counter, Histogram
from pydantic_settings import BaseSettings

from shared.platform.metrics import Metrics
from shared.platform.settings import load_or_exit

LOOK_EVERY_S = 0.02


class SwitchSettings(BaseSettings):
    """While the file is there, nothing is counted."""

    counting_off_file: str


class SwitchedMetrics(Metrics):
    """Counts while the file is not there: so the experiment `instrument` measures what counting costs."""

    def __init__(self, off_file: str) -> None:
        super().__init__()
        switch = _Switch(off_file)
        for name, metric in list(vars(self).items()):
            if isinstance(metric, Counter | Histogram):
                setattr(self, name, _Switched(metric, switch))


def switched_metrics() -> SwitchedMetrics:
    """Return metrics that the file of the setting COUNTING_OFF_FILE turns off."""
    return SwitchedMetrics(load_or_exit(SwitchSettings).counting_off_file)


class _Switch:
    """Is off while a file is there. A thread looks, so that whoever counts reads an attribute and nothing else."""

    def __init__(self, off_file: str) -> None:
        self.is_on = not os.path.exists(off_file)
        self._off_file = off_file
        threading.Thread(target=self._watch, name="counting-switch", daemon=True).start()

    def _watch(self) -> None:
        while True:
            time.sleep(LOOK_EVERY_S)
            self.is_on = not os.path.exists(self._off_file)


class _Switched:
    """A counter or a histogram that counts while its switch is on."""

    def __init__(self, metric: Counter | Histogram, switch: _Switch) -> None:
        self._metric, self._switch = metric, switch

    def labels(self, *values: str) -> _Switched | Counter | Histogram:
        return self._metric.labels(*values) if self._switch.is_on else self

    def inc(self, amount: float = 1) -> None:
        """Count, if counting is on."""
        if self._switch.is_on and isinstance(self._metric, Counter):
            self._metric.inc(amount)

    def observe(self, value: float) -> None:
        """Take a value down, if counting is on."""
        if self._switch.is_on and isinstance(self._metric, Histogram):
            self._metric.observe(value)
