"""The ten mysteries, as data: the fault behind each, three hints, and how it can be found in each build."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Mystery:
    """A fault that nobody names. `part` as an answer names it; empty where the outside world is at fault.

    `hints` go from where to look to what to see. `clue`: by build, the shortest way to it. `alike` is the mystery
    that looks the same to a customer, and is told apart only by its cause.
    """

    fault: str
    part: str
    what: str
    hints: tuple[str, str, str]
    clue: Mapping[str, str]
    parameters: Mapping[str, float] = field(default_factory=dict)
    alike: str = ""

    @property
    def name(self) -> str:
        """The mystery as an answer names it."""
        return f"{self.fault} {self.part}".rstrip()


_EVERY = (
    Mystery(
        "cpu-hog", "catalog", "each request that enters the catalog burns CPU",
        ("Customers who only look around wait.", "Compare what `twinshop stats` counts, a minute apart, under load.",
         "Is the time of a list spent working, or waiting for a database?"),
        {"monolith": "`twinshop stats`: `web` uses many times the CPU of before, the database does not. Lists are "
                     "slow; an order is slow while somebody's list is computed, for it is one process whose "
                     "threads share one interpreter lock.",
         "microservices": "`twinshop stats`: only `catalog` burns CPU, its database does not, and no other part. "
                          "Lists are slow, orders hardly: the processor is that of the lists."},
        {"ms": 120},
    ),
    Mystery(
        "tcp-latency", "catalog:sql", "the way between the catalog and its database is long",
        ("Customers who only look around wait.", "Compare what `twinshop stats` counts, a minute apart, under load.",
         "Count the statements of a request: does the wait grow with them?"),
        {"monolith": "Everything that asks the database is slow, orders most of all, as they ask it most often; "
                     "`twinshop stats` shows idle processes. In the trace each statement takes the same time, be it "
                     "large or small.",
         "microservices": "Lists and the reservation are slow, an order's own statements are not; `twinshop stats` "
                          "shows idle processes. In the trace each statement of catalog takes the same time."},
        {"ms": 60},
    ),
    Mystery(
        "disk-full", "orders", "the database of the orders takes no more rows",
        ("Reading works.", "The part that is asked says that its database cannot; what does the database say?",
         "`twinshop logs` shows the log of a database, too: why does it write nothing?"),
        {"monolith": "No order can be placed, and lists are fine. `twinshop logs db` says 'No space left on "
                     "device' (53100, disk_full); the log of `web` only says that the database cannot.",
         "microservices": "No order can be placed, and lists are fine. `twinshop logs orders-db` says 'No space "
                          "left on device' (53100, disk_full); payments and catalog write as ever."},
        alike="read-only orders",
    ),
    Mystery(
        "read-only", "orders", "the database of the orders takes no writes, as a standby does in a failover",
        ("Reading works.", "The part that is asked says that its database cannot; what does the database say?",
         "`twinshop logs` shows the log of a database, too: why does it write nothing?"),
        {"monolith": "No order can be placed, and lists are fine. `twinshop logs db` says 'cannot execute INSERT "
                     "in a read-only transaction' (25006): a server that was promoted would end it, more disk would "
                     "not.",
         "microservices": "No order can be placed, and lists are fine. `twinshop logs orders-db` says 'cannot "
                          "execute INSERT in a read-only transaction' (25006)."},
        alike="disk-full orders",
    ),
    Mystery(
        "provider-slow", "", "the payment provider takes its time",
        ("Who only looks around notices nothing.", "Follow one order: `twinshop trace on`, buy, `twinshop trace`.",
         "Which of the spans is not ours?"),
        {"monolith": "Orders take more than a second longer, lists do not, no process works more. In the trace the "
                     "time is in the call to the provider.",
         "microservices": "The same; in the trace the call of orders to payments is long, and in it the call to the "
                          "provider is."},
        {"ms": 1300},
    ),
    Mystery(
        "provider-times-out", "", "the payment provider takes the money and does not answer",
        ("Nobody is turned away, and yet something is amiss.", "Read what `twinshop buy` says of the order's status.",
         "Which answer are we waiting for, and how long do we wait?"),
        {"monolith": "`twinshop buy` answers 202 payment_pending after the deadline of two seconds; the money is "
                     "taken, as the provider's ledger shows, and the order is confirmed later by the recovery.",
         "microservices": "The same; `twinshop rows` shows a payment whose outcome is unknown."},
        {"percent": 100},
    ),
    Mystery(
        "memory-leak", "catalog", "each request that enters the catalog leaks, until its process is killed",
        ("Wait, under load: it comes and goes.", "Which column of `twinshop status` only grows?",
         "Look at the memory in `twinshop stats` before it happens again."),
        {"monolith": "Every now and then all requests fail for a second or two. `twinshop status` counts restarts of "
                     "`web`, and `twinshop stats` shows its memory growing with each list, up to the limit.",
         "microservices": "Every now and then lists fail. `twinshop status` counts restarts of `catalog` alone; its "
                          "memory grows with each list."},
        {"mb": 12, "limit_mb": 350},
    ),
    Mystery(
        "mail-slow", "", "the mail server takes its time over each mail",
        ("Every order is confirmed in time.", "What should come after an order?",
         "Place some orders at once, and look when the last of them was told about."),
        {"monolith": "Orders and lists are as quick as ever; the queue of notifications grows, as `twinshop rows` "
                     "shows: what is pending there is sent seconds late.",
         "microservices": "The same, in the table of notifications; nothing else knows."},
        {"ms": 4000},
    ),
    Mystery(
        "clock-off", "payments", "the clock of the process that takes payments is a month ahead",
        ("Lists are fine.", "Buy with `twinshop buy`, and read status and logs.",
         "Why would somebody not believe a token that everybody else believes?"),
        {"monolith": "Whoever is signed in is turned away with 401, since the clock belongs to the whole process: no "
                     "token lives that long. Lists need none.",
         "microservices": "Orders are answered 202 payment_pending: payments turns the calls of orders away, and "
                          "nobody else has a wrong clock. `twinshop logs orders` says 'payments answered 401'."},
        {"s": 30 * 24 * 3600.0},
    ),
    Mystery(
        "drop", "catalog", "one in three requests to the catalog never arrives",
        ("Try the same thing several times.", "The part itself knows nothing of what fails: its log is clean.",
         "Where have you been before you reach a part?"),
        {"monolith": "One request in three hangs, whatever it asks for: the way leads to the whole process. The "
                     "log of `web` is clean, for the edge never passes them on.",
         "microservices": "One order in three waits for its deadline and is answered 503, lists are fine: the way is "
                          "that from the services to the catalog. The log of catalog knows nothing of it."},
        {"percent": 34},
    ),
)  # fmt: skip
MYSTERIES: dict[str, Mystery] = {one.name: one for one in _EVERY}
