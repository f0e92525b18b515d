"""What a check says: how many things it looked at, and which of them were wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict

PROMISES: dict[str, str] = {
    "S1": "stock and reservations are never negative",
    "S2": "per product, initial + restocked = available + reserved + sold",
    "S3": "at most one capture an order, of exactly its total, at server prices",
    "S4": "one order for each customer and key; every replay of a final answer is the same bytes",
    "S5": "only legal transitions; an end state is never left",
    "S6": "refunded is never above captured",
    "S7": "every order answered 201 is in its owner's list",
    "S8": "what a customer reads of an order never goes backwards",
    "S9": "stock is never shown above what was there",
    "S10": "the price charged was true between the request and its answer, and is the total that was expected",
    "L1": "nothing is unfinished; the dead-letter stream holds only planted poison",
    "L2": "captured minus refunded = totals of confirmed orders minus admin refunds",
    "L3": "every capture has a confirmed order, or a full refund",
    "L4": "stock follows the order; a cancelled one gave it back exactly once",
    "L5": "one notification for each order and kind that is due, and its mail was sent",
    "L6": "what was answered as failed left no effect; what was not answered is whole or absent",
    "L7": "a retry with the old key gets the final answer",
    "L8": "the same script without faults ends in the same state in both builds",
}
NEVER_MET = "sometimes"  # no promise of a shop: what a run of chaos must have met, and has not
KNOWN = f"^({'|'.join(PROMISES)}|{NEVER_MET})$"


@with_config(ConfigDict(extra="forbid"))
class ViolationRow(TypedDict):
    """A broken promise as it stands in result.json."""

    promise: Annotated[str, Field(pattern=KNOWN)]
    about: str
    seen: str
    expected: str


@dataclass(frozen=True)
class Violation:
    """A broken promise. `about` is the id of an order, a product or a row."""

    promise: str
    about: str
    seen: str
    expected: str

    def as_dict(self) -> ViolationRow:
        """Return it as it stands in result.json."""
        return {"promise": self.promise, "about": self.about, "seen": self.seen, "expected": self.expected}

    def __str__(self) -> str:
        return f"{self.promise} {self.about}: {self.seen}; expected {self.expected}"


@dataclass
class Verdict:
    """What one promise's check found. A check that looked at nothing proves nothing, so it counts."""

    promise: str
    looked_at: int = 0
    violations: list[Violation] = field(default_factory=list)

    def look(self, fine: bool, about: str, actual: str, expected: str) -> None:
        """Count one thing that was looked at, and remember it if it is not as it should be."""
        self.looked_at += 1
        if not fine:
            self.violations.append(Violation(self.promise, about, actual, expected))
