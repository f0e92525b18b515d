"""The master's side of open arrivals: gives out the shares, puts the figures together, and says what they are worth."""

from __future__ import annotations

import json
import logging
import math
import time
from collections import Counter
from pathlib import Path
from typing import Any

import gevent

from loadtests.load.generator import profile
from loadtests.load.generator.open_loop import Progress
from loadtests.load.generator.profile import Profile
from loadtests.load.generator.record import Tally
from loadtests.load.generator.summary import Effort, figures
from loadtests.load.users.clocks import Clock, Clocks
from loadtests.load.users.locust_worker import BEGIN, FIGURES, FINISHED, JOIN

LEAD_S = 0.5
# After Locust says that all users are there, for those whose message is still on its way.
LATE_JOINERS_S = 0.5
# At the end of `--run-time` Locust stops everything: the last answers need a moment before.
ANSWERS_S = 2.0
# Without --run-time and profile: until the test is stopped, but not for ever.
LONGEST_S = 3600.0
# Longer than any request may take.
LAST_ANSWERS_S = 30.0
LOOK_EVERY_S = 1.0
MISSING = "missing"  # what Locust calls a worker whose heart no longer beats
EXIT_VOID = 3

logger = logging.getLogger(__name__)


class ArrivalsMaster:
    """Listens on the master, or on the local runner where there are no workers.

    With `run_time_s` the arrivals last that long and then end the test, instead of being cut off by `--run-time`.
    """

    def __init__(self, environment: Any) -> None:
        self.run_time_s = 0.0
        self._environment = environment
        self._runner = environment.runner
        self._runner.register_message(JOIN, self._on_join)
        self._runner.register_message(FIGURES, self._on_figures)
        self._runner.register_message(FINISHED, self._on_finished)
        self._clocks = Clocks(self._runner)
        environment.events.test_start.add_listener(self._on_test_start)
        environment.events.spawning_complete.add_listener(self._on_spawning_complete)
        environment.events.test_stop.add_listener(self._on_test_stop)
        environment.events.quitting.add_listener(self._on_quitting)
        self._on_test_start()

    def _on_test_start(self, **_event: Any) -> None:
        self._joined: list[str] = []
        self._finished: set[str] = set()
        self._late: list[str] = []
        self._silent: list[str] = []
        self._clock: dict[str, Clock] = {}
        self._scheduled = 0
        self._is_begun = False
        self._concluded = False
        self._starts_at = 0.0
        self._profile: Profile | None = None
        self._tally = Tally()
        self._orders: Counter[str] = Counter()
        self._efforts: dict[str, dict[str, Any]] = {}

    def _on_join(self, msg: Any, **_event: Any) -> None:
        if self._is_begun:
            logger.warning("%s came too late to send a share of the arrivals; it stays idle", msg.node_id)
            self._late.append(msg.node_id)
            return
        self._joined.append(msg.node_id)

    def _on_spawning_complete(self, **_event: Any) -> None:
        if not self._is_begun:
            gevent.spawn_later(LATE_JOINERS_S, self._begin)

    def _begin(self) -> None:
        if self._is_begun or not self._joined:
            return
        self._is_begun = True
        options = self._environment.parsed_options
        try:
            self._profile = self._profile_asked_for()
        except (profile.BadProfile, OSError) as error:
            logger.error("%s", error)
            self._end()
            return
        for client_id in self._joined:
            if (clock := self._clocks.ask(client_id)) is not None:
                self._clock[client_id] = clock
        # Whoever does not answer gets no share: the others send it.
        self._silent = [one for one in self._joined if one not in self._clock]
        self._joined = list(self._clock)
        if not self._joined:
            logger.error("no process answers: nobody can send")
            self._end()
            return
        self._scheduled = len(profile.due_times(self._profile, options.arrivals, options.seed))
        self._starts_at = time.time() + LEAD_S
        shares = len(self._joined)
        for share, client_id in enumerate(self._joined):
            begin = {
                "profile": str(self._profile),
                "arrivals": options.arrivals,
                "seed": options.seed,
                "share": share,
                "shares": shares,
                "starts_at": self._starts_at + self._clock[client_id].offset_s,
                "max_in_flight": math.ceil(options.max_in_flight / shares),
            }
            self._runner.send_message(BEGIN, begin, client_id=client_id)

        # A worker that is lost never says that it is done.
        gevent.spawn_later(LEAD_S + self._profile.duration_s + LAST_ANSWERS_S, self._end_of, self._starts_at)
        gevent.spawn(self._watch_workers, self._starts_at)

    def _profile_asked_for(self) -> Profile:
        options = self._environment.parsed_options
        if options.arrival_profile:
            return profile.parse(options.arrival_profile)
        if self.run_time_s:
            return profile.constant(options.arrival_rate, self.run_time_s)
        run_time_s = float(options.run_time or 0)
        duration_s = max(run_time_s - ANSWERS_S, run_time_s / 2) if run_time_s else LONGEST_S
        return profile.constant(options.arrival_rate, duration_s)

    def _on_figures(self, msg: Any, **_event: Any) -> None:
        self._tally.merge(Tally.decode(msg.data["tally"]))
        self._orders.update(msg.data["orders"])
        self._efforts[msg.node_id] = msg.data["effort"]

    def _on_finished(self, msg: Any, **_event: Any) -> None:
        self._finished.add(msg.node_id)
        if len(self._finished) == len(self._joined):
            gevent.spawn(self._end)

    def _watch_workers(self, starts_at: float) -> None:
        """End when all who are left have sent their shares."""
        while self._starts_at == starts_at and not self._concluded:
            gevent.sleep(LOOK_EVERY_S)
            lost = set(self._lost())
            if lost and set(self._joined) <= self._finished | lost:
                self._end_of(starts_at)
                return

    def _lost(self) -> list[str]:
        clients = getattr(self._runner, "clients", None)
        if clients is None:
            return []
        there = {one.id for one in clients.values() if one.state != MISSING}
        return [one for one in self._joined if one not in there and one not in self._efforts]

    def _end_of(self, starts_at: float) -> None:
        if self._starts_at == starts_at and not self._concluded:
            self._end()

    def _end(self) -> None:
        if self._environment.parsed_options.headless:
            self._runner.quit()
        else:
            self._runner.stop()

    def _on_test_stop(self, **_event: Any) -> None:
        if len(self._efforts) == len(self._joined):
            self._conclude()

    def _on_quitting(self, **_event: Any) -> None:
        self._conclude()

    def _conclude(self) -> None:
        if self._profile is None or self._concluded:
            return
        self._concluded = True
        options = self._environment.parsed_options
        lasted_s = min(time.time() - self._starts_at, self._profile.duration_s)
        missing = [one for one in self._joined if one not in self._efforts]
        is_whole = len(self._finished) == len(self._joined)
        due = sum(effort["progress"]["due"] for effort in self._efforts.values())
        reasons = []
        if missing:
            reasons.append(
                f"{len(missing)} of {len(self._joined)} processes did not hand in their figures: {', '.join(missing)}; "
                f"{self._scheduled - due} of {self._scheduled} arrivals were theirs, or were not due any more"
            )
        elif due != self._scheduled and (is_whole or self._late):
            reasons.append(f"only {due} of {self._scheduled} arrivals were due to any process")
        if self._late and reasons:
            reasons[-1] += "; a worker joined in the middle, and Locust moves its users then"
        summary = {
            "host": self._environment.host,
            "mix": getattr(options, "mix", ""),
            "arrivals": options.arrivals,
            "profile": str(self._profile),
            "seed": options.seed,
            "rate_target": self._profile.mean_rate,
            "processes": len(self._joined),
            "arrivals_scheduled": self._scheduled,
            "clocks": {one: clock.as_ms() for one, clock in self._clock.items()},
            "came_too_late": self._late,
            "did_not_answer": self._silent,  # at the start: others sent their shares
            "stopped_early": not is_whole,
            "started_at": self._starts_at,
            **figures(self._tally, self._orders, self._effort(lasted_s), reasons),
        }
        _log(summary)
        if options.arrival_summary:
            Path(options.arrival_summary).write_text(json.dumps(summary, indent=2) + "\n")
        if summary["void"]:
            self._environment.process_exit_code = EXIT_VOID

    def _effort(self, lasted_s: float) -> Effort:
        progress = Progress()
        for effort in self._efforts.values():
            for name, number in effort["progress"].items():
                setattr(progress, name, getattr(progress, name) + number)
        return Effort(
            progress,
            cpu_share=max((effort["cpu_share"] for effort in self._efforts.values()), default=0.0),
            cpu_share_max=max((effort["cpu_share_max"] for effort in self._efforts.values()), default=0.0),
            duration_s=lasted_s,
        )


def _log(summary: dict[str, Any]) -> None:
    latency, service = summary["latency_ms"], summary["service_ms"]
    logger.info(
        "open arrivals: %d of %d sent (%.2f %%); from due p50 %.1f ms, p99 %.1f ms; from the send p99 %.1f ms",
        summary["sent"],
        summary["scheduled"],
        100 * summary["achieved"],
        latency["p50"],
        latency["p99"],
        service["p99"],
    )
    for reason in summary["void_reasons"]:
        logger.error("this run is void: %s", reason)
