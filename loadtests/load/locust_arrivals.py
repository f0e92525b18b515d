"""Open arrivals and bounds for anybody's locustfile: `OpenArrivalsMixin`, and `wire()`, called once in the file."""

from __future__ import annotations

import logging
import sys
from typing import Any

from locust import events
from locust.runners import MasterRunner, WorkerRunner

from loadtests.load import bounds
from loadtests.load.users.locust_master import ArrivalsMaster
from loadtests.load.users.locust_worker import ArrivalsWorker
from loadtests.load.users.open_arrivals import OpenArrivalsMixin
from loadtests.load.users.options import add_arrival_options

__all__ = ["OpenArrivalsMixin", "wire"]

logger = logging.getLogger(__name__)


def wire() -> None:
    """Add the options, and what gives out the arrivals, to the test of this locustfile."""
    events.init_command_line_parser.add_listener(add_arrival_options)  # type: ignore[no-untyped-call]
    events.init.add_listener(set_up)  # type: ignore[no-untyped-call]


def set_up(environment: Any, **_event: Any) -> None:
    """Wire the open arrivals and the bounds to Locust's runner."""
    if not isinstance(environment.runner, WorkerRunner):
        try:
            bounds.watch(environment, logger.error)
        except bounds.BadBound as error:
            sys.exit(f"--fail-if: {error}")
        _time_itself(environment, ArrivalsMaster(environment))
    if not isinstance(environment.runner, MasterRunner):
        OpenArrivalsMixin.part = ArrivalsWorker(environment)


def _time_itself(environment: Any, whole: ArrivalsMaster) -> None:
    """Where all users are open arrivals, let them count their workers and end with their schedule."""
    options = environment.parsed_options
    if options.headless and all(issubclass(user, OpenArrivalsMixin) for user in environment.user_classes):
        if options.num_users is None:
            options.num_users = options.spawn_rate = max(options.expect_workers, 1)
        # Locust counts --run-time from before its users are there.
        whole.run_time_s, options.run_time = float(options.run_time or 0), None
