"""What a run of open arrivals sends, and its command line."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from loadtests.load.generator import profile
from loadtests.load.generator.profile import Arrivals, Profile
from loadtests.load.users.traffic import DEFAULT_MIX, MIX_HELP, mix_name
from loadtests.load.users.world import TOKENS_FROM

DEFAULT_MAX_IN_FLIGHT = 2_000
DEFAULT_CUSTOMERS = 200
DEFAULT_PREFIX = "load"  # of their names
DESCRIPTION = """Open arrivals at one shop. Writes requests.csv.gz, orders.jsonl and summary.json into --out;
with --by-version also versions.csv.gz.
Ends with 0 for a valid run, 3 for a void one, 1 where the shop or the identity provider is not ready."""


class TooLate(Exception):
    """The moment at which a load had to begin has passed."""


@dataclass(frozen=True)
class Plan:
    """Everything that decides what is sent. The same plan and the same catalogue give the same requests."""

    host: str
    tokens_from: str
    out: Path
    measured: Profile
    arrivals: Arrivals = "poisson"
    mix: str = DEFAULT_MIX
    seed: int = 1
    warm_up_s: float = 0.0
    begin_at: float = 0.0  # when the measured part begins, in seconds since the epoch; 0: as soon as possible
    max_in_flight: int = DEFAULT_MAX_IN_FLIGHT
    customers: int = DEFAULT_CUSTOMERS
    customer_prefix: str = DEFAULT_PREFIX
    payment_methods: dict[str, float] = field(default_factory=lambda: {"pm_ok": 1.0})
    cores: list[int] = field(default_factory=list)
    keep_reads: bool = False  # what GETs were answered, for the promises about their order
    live: bool = False  # each request is written down as it is answered, for those who watch
    by_version: bool = False  # everybody is signed in, and which version answered whom is kept

    @property
    def schedule(self) -> profile.Floats:
        """When requests are due, warm-up included, in seconds from the first moment of the warm-up."""
        return profile.due_times(self.measured.warmed(self.warm_up_s), self.arrivals, self.seed)

    def until_measured_s(self, lead_s: float) -> float:
        """Return in how many seconds the measured part begins: `lead_s` and the warm-up at least. Raises TooLate."""
        if not self.begin_at:
            return lead_s + self.warm_up_s
        left_s = self.begin_at - time.time()
        if left_s < self.warm_up_s:
            raise TooLate(f"The load had to begin {self.warm_up_s - left_s:.1f} s ago, and was not ready.")
        return left_s


def parse_weights(text: str) -> dict[str, float]:
    """Read `pm_ok:97,pm_declined:3`. Raises ValueError."""
    return {name: float(weight) for name, weight in (part.split(":") for part in text.split(","))}


def parse_plan(arguments: Sequence[str]) -> Plan:
    """Read the command line. Ends the process with a message where it is wrong, as argparse does."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.load.arrivals", description=DESCRIPTION)
    parser.add_argument(
        "--host", required=True, type=_address, help="the shop's address, such as http://127.0.0.1:8001"
    )
    parser.add_argument("--tokens-from", required=True, type=_address, help=TOKENS_FROM)
    parser.add_argument("--out", required=True, type=Path, help="folder for the results")
    parser.add_argument("--rate", type=float, default=50.0, help="arrivals/s (default 50)")
    parser.add_argument("--duration", type=float, default=20.0, help="measured seconds (default 20)")
    parser.add_argument("--profile", help="instead: segments such as 50x20,500x5,50x20 or 10-200x60, or trace:FILE")
    parser.add_argument("--arrivals", choices=profile.ARRIVALS, default="poisson")
    parser.add_argument("--mix", type=mix_name, default=DEFAULT_MIX, help=MIX_HELP)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--warm-up", dest="warm_up_s", type=float, default=0.0, help="seconds in front that are sent but not counted"
    )
    parser.add_argument(
        "--begin-at", type=float, default=0.0, help="when the measured part begins, in seconds since the epoch"
    )
    parser.add_argument("--max-in-flight", type=int, default=DEFAULT_MAX_IN_FLIGHT)
    parser.add_argument("--customers", type=int, default=DEFAULT_CUSTOMERS)
    parser.add_argument("--customer-prefix", default=DEFAULT_PREFIX)
    parser.add_argument("--payment-methods", type=parse_weights, default={"pm_ok": 1.0}, help="pm_ok:97,pm_declined:3")
    parser.add_argument("--cores", type=_cores, default=[], help="keep to these cores, such as 0,1")
    parser.add_argument("--keep-reads", action="store_true", help="keep what products and orders were shown")
    parser.add_argument("--live", action="store_true", help="write each request to live.jsonl as it is answered")
    parser.add_argument(
        "--by-version", action="store_true", help="everybody is signed in; keep who was answered by which version"
    )
    options = vars(parser.parse_args(arguments))
    rate, duration_s, segments = (options.pop(name) for name in ("rate", "duration", "profile"))
    try:
        measured = profile.parse(segments) if segments else profile.constant(rate, duration_s)
    except (profile.BadProfile, OSError) as error:
        parser.error(str(error))
    return Plan(measured=measured, **options)


def _address(text: str) -> str:
    return text.rstrip("/")


def _cores(text: str) -> list[int]:
    return [int(core) for core in text.split(",")]
