"""Which experiment answers which claim, how its short form is asked, and what would show what it does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Ask:
    """Which experiment answers a claim, how many minutes its full form takes, and what would show the claim.

    `quick` are options of the quick form; `plot` names the plot for the page, its first one if none is named.
    """

    experiment: str
    full_minutes: int
    would_show: str
    quick: Mapping[str, str] = field(default_factory=dict)
    plot: str = ""
    quick_s: float = 75.0  # on two idle cores


ASKS = {
    "C1": Ask("blast-radius", 45, "a fault that takes the monolith's browsing away and leaves that of the services: "
              "the full form breaks seven things in five arms, each for longer."),
    "C2": Ask("scaling", 20, "one to four replicas of each, for which the quick form has no time, on a machine whose "
              "hot part can use up its quota.", quick_s=90),
    "C3": Ask("overhead-ladder", 15, "intervals of CPU and wait that leave 1 out, beside an A/A gate that passes: a "
              "quiet machine, and the longer slices of the full form.", quick_s=200,
              quick={"rounds": "8", "variants": "monolith,monolith-again,colocated,direct,microservices"}),
    "C4": Ask("deploy", 5, "a rollout of one service, two replicas of it, without a failed request.",
              plot="durations", quick_s=60),
    "C5": Ask("complexity", 3, "one build that has more of everything that is counted.", quick_s=50),
    "C6": Ask("consistency", 5, "facts that the monolith has at once and the services later, over more orders.",
              quick_s=40),
    "C7": Ask("messaging", 20, "valid rounds in which calls inherit a slow mail server's waits and agree at once, and "
              "events do neither.", quick_s=180),
    "C8": Ask("tracing", 10, "an interval that leaves 1 out, beside an A/A gate that passes: a quiet machine, and the "
              "longer slices of the full form.", plot="cpu-order", quick_s=220,
              quick={"rounds": "8", "variants": "monolith,monolith-100%,microservices,microservices-100%,"
                                                "microservices-again"}),
    "C9": Ask("resilience", 40, "an arm with naive retries that stays down after the trigger, and one with a breaker "
              "or a budget that comes back: a quiet machine, and the full form's longer trigger.", quick_s=90),
    "C10": Ask("another-language", 5, "an exchange of the service's replicas under load without a failed request and "
               "with right books. It needs Node 20 or newer, with npm."),
    "C11": Ask("canary", 15, "bad versions that are found in both builds, more of them than one round has.",
               plot="canary-odds", quick_s=85),
    "C12": Ask("migration", 20, "moves out and back under load without a failed request, each in less than a minute.",
               quick_s=85),
}  # fmt: skip
