"""Open arrivals without Locust: `python -m loadtests.load.arrivals --host URL --tokens-from URL --out DIR`.

Writes DIR/requests.csv.gz (every request), DIR/orders.jsonl (the client's own history of orders and cancels) and
DIR/summary.json (figures, and whether the run is void). Says `{"started_at": ...}` when the measured part begins.
"""

from __future__ import annotations

import json
import signal
import sys
import time
import uuid
from collections.abc import Callable
from typing import Any

import gevent
from locust.env import Environment

from loadtests.load.generator import answering_versions, machine
from loadtests.load.generator.answering_versions import write_versions
from loadtests.load.generator.history import OrderHistory
from loadtests.load.generator.live import LiveFile
from loadtests.load.generator.open_loop import OpenLoop
from loadtests.load.generator.plan import Plan, TooLate, parse_plan
from loadtests.load.generator.record import write_rows
from loadtests.load.generator.summary import Effort, figures
from loadtests.load.generator.watch import CpuWatch
from loadtests.load.users import world
from loadtests.load.users.journeys import Journeys
from loadtests.load.users.open_arrivals import OpenArrivals
from loadtests.load.users.recorder import Recorder
from loadtests.load.users.shop_user import TIMEOUT_S, ShopUser
from loadtests.load.users.stage import Stage
from loadtests.load.users.traffic import mix_of

# The first request must not wait for the generator to get going.
LEAD_S = 0.2
EXIT_VOID = 3


def run(plan: Plan, tell: Callable[[str], None]) -> bool:
    """Send what the plan says, write the files, and return whether the run is valid (not void)."""
    plan.out.mkdir(parents=True, exist_ok=True)
    machine.pin(plan.cores)
    machine.allow_open_files(plan.max_in_flight)
    user = _user(plan)
    loop = user.loop(plan.schedule, max_in_flight=plan.max_in_flight)
    stops = [gevent.signal_handler(number, loop.stop) for number in (signal.SIGINT, signal.SIGTERM)]
    watch = CpuWatch()
    with OrderHistory(plan.out / "orders.jsonl", with_reads=plan.keep_reads) as history:
        recorder = Recorder(history=history, rows=[], versions=[] if plan.by_version else None)
        recorder.origin = time.perf_counter() + plan.until_measured_s(LEAD_S)
        if plan.live:
            recorder.live = LiveFile(plan.out)
        user.recorder = recorder
        for price in user.journeys.opening_prices():
            history.add(price)
        machine.calm_garbage_collection()
        gevent.spawn(_announce, recorder, tell)
        watch.start()
        loop.run(starts_at=recorder.origin - plan.warm_up_s)
        ended_at = time.perf_counter()
        watch.stop()
        loop.drain(TIMEOUT_S + 1)
        if recorder.live is not None:
            recorder.live.close()
    for stop in stops:
        stop.cancel()
    write_rows(plan.out / "requests.csv.gz", recorder.rows or [])
    if recorder.versions is not None:
        write_versions(plan.out / answering_versions.FILE, recorder.versions)
    summary = _summary(plan, recorder, loop, watch, ended_at)
    (plan.out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    tell(json.dumps({key: summary[key] for key in ("scheduled", "sent", "achieved", "orders_confirmed", "void")}))
    return not summary["void"]


def _announce(recorder: Recorder, tell: Callable[[str], None]) -> None:
    # gevent counts a sleep from the last turn of its loop, which can be a while ago: look at the clock again.
    while (left_s := recorder.origin - time.perf_counter()) > 0:
        gevent.sleep(left_s)
    tell(json.dumps({"started_at": recorder.epoch(recorder.origin)}))


def _user(plan: Plan) -> OpenArrivals:
    mix = mix_of(plan.mix)
    journeys = Journeys(
        mix,
        world.read_catalogue(plan.host),
        world.customers(plan.tokens_from, plan.customers, plan.customer_prefix),
        run=uuid.uuid4().hex,
        seed=plan.seed,
        payment_methods=plan.payment_methods,
        signed_in=plan.by_version,
        admin=world.admin(plan.tokens_from) if mix.needs_admin else None,
    )
    ShopUser.stage = Stage(plan.host, journeys, Recorder())
    return OpenArrivals(Environment(user_classes=[OpenArrivals], host=plan.host), plan.max_in_flight)


def _summary(plan: Plan, recorder: Recorder, loop: OpenLoop, watch: CpuWatch, ended_at: float) -> dict[str, Any]:
    duration_s = ended_at - recorder.origin if loop.stopped else plan.measured.duration_s
    effort = Effort(loop.progress, watch.mean, watch.highest, max(duration_s, 0.0))
    return {
        "host": plan.host,
        "mix": plan.mix,
        "arrivals": plan.arrivals,
        "profile": str(plan.measured),
        "seed": plan.seed,
        "warm_up_s": plan.warm_up_s,
        "rate_target": plan.measured.mean_rate,
        "stopped_early": loop.stopped,
        "started_at": recorder.epoch(recorder.origin),
        "ended_at": recorder.epoch(ended_at),
        "cores": machine.cores(),
        "max_in_flight": plan.max_in_flight,
        "customers": {"count": plan.customers, "prefix": plan.customer_prefix},
        **figures(recorder.tally, recorder.orders, effort),
    }


def _tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> int:
    """Run the command; 0 for a valid run, 3 for a void one, 1 where the world is not ready or it is too late."""
    plan = parse_plan(sys.argv[1:])
    try:
        return 0 if run(plan, _tell) else EXIT_VOID
    except (world.WorldNotReady, TooLate) as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
