"""A closed loop for CPU per unit of work: `python -m loadtests.load.closed_loop --clients 8 --duration 5 ...`.

Latency of a closed loop hides stalls, so none is reported; what a unit of work costs at full speed is what it is for.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import gevent
from locust.env import Environment

from loadtests.load.generator import machine
from loadtests.load.generator.history import OrderHistory
from loadtests.load.generator.watch import CpuWatch
from loadtests.load.users import world
from loadtests.load.users.journeys import Journeys
from loadtests.load.users.open_arrivals import OpenArrivals
from loadtests.load.users.recorder import Recorder
from loadtests.load.users.shop_user import ShopUser
from loadtests.load.users.stage import Stage
from loadtests.load.users.traffic import MIXES

CUSTOMERS = 50
WARM_UP_S = 0.5


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Send as fast as `clients` can, write orders.jsonl and summary.json, and return the summary."""
    options.out.mkdir(parents=True, exist_ok=True)
    machine.pin(options.cores)
    recorder = Recorder()
    user = _user(options, recorder)
    numbers = itertools.count()
    watch = CpuWatch()
    with OrderHistory(options.out / "orders.jsonl") as history:
        recorder.history = history
        for price in user.journeys.opening_prices():
            history.add(price)
        begins = time.perf_counter() + WARM_UP_S
        recorder.origin = begins
        ends = begins + options.duration

        def client() -> None:
            while time.perf_counter() < ends:
                number = next(numbers)
                user.perform(user.journeys.draw(number), number)

        clients = [gevent.spawn(client) for _ in range(options.clients)]
        gevent.spawn_later(WARM_UP_S, _tell, {"started_at": recorder.epoch(begins)})
        watch.start()
        gevent.joinall(clients)
        watch.stop()
        took_s = time.perf_counter() - begins
    whole = recorder.tally.whole()
    summary = {
        "requests": whole.latency.count,
        "duration_s": took_s,
        "outcomes": dict(whole.outcomes),
        "orders_confirmed": recorder.orders.get("measured_confirmed", 0),
        "generator": {"cpu_share": watch.mean},
        "clients": options.clients,
    }
    (options.out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    return summary


def _user(options: argparse.Namespace, recorder: Recorder) -> OpenArrivals:
    mix = MIXES[options.mix]
    journeys = Journeys(
        mix,
        world.read_catalogue(options.host),
        world.customers(options.tokens_from, CUSTOMERS, "bench"),
        run=uuid.uuid4().hex,
        seed=options.seed,
        admin=world.admin(options.tokens_from) if mix.needs_admin else None,
    )
    ShopUser.stage = Stage(options.host, journeys, recorder)
    # Of all users this one shares its connections among greenlets; its own loop is not used.
    return OpenArrivals(Environment(user_classes=[OpenArrivals], host=options.host), options.clients)


def _tell(what: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def main() -> int:
    """Run the command; 1 where the world is not ready."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.load.closed_loop", description=__doc__)
    parser.add_argument("--host", required=True)
    parser.add_argument("--tokens-from", required=True)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--duration", type=float, default=5.0)
    parser.add_argument("--mix", choices=sorted(MIXES), default="orders-only")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cores", type=lambda text: [int(core) for core in text.split(",")], default=[])
    try:
        run(parser.parse_args())
    except world.WorldNotReady as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
