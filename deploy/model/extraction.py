"""Which modules of the monolith are services of their own: a file, so that a stack comes up as it went down."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from deploy.model.home import read_json, write_atomically

FILE = "extraction.json"
FILE_BEFORE = "moved.json"  # of an earlier version, with other names for the same
# Who leaves first: what nobody calls, then what is called, and last who calls. Back in the opposite order.
ORDER = ("notifications", "catalog", "payments", "orders")


@dataclass(frozen=True)
class ExtractionState:
    """`extracted` modules have left the monolith; `in_transit` is on its way, out or back, so that both sides run."""

    extracted: tuple[str, ...] = ()
    in_transit: str = ""

    @property
    def running(self) -> tuple[str, ...]:
        """The services that run, in the order in which they leave."""
        return tuple(module for module in ORDER if module in self.extracted or module == self.in_transit)

    @property
    def is_monolith_left(self) -> bool:
        """Whether the monolith still has something to do."""
        return set(self.extracted) != set(ORDER) or bool(self.in_transit)

    @classmethod
    def read(cls, folder: Path) -> ExtractionState:
        """Return how far the stack of this folder is; nothing is extracted if nobody has moved anything."""
        for file, extracted, in_transit in ((FILE, "extracted", "in_transit"), (FILE_BEFORE, "out", "moving")):
            if state := read_json(folder / file):
                return cls(tuple(state[extracted]), state[in_transit])
        return cls()

    def write(self, folder: Path) -> None:
        """Keep it."""
        write_atomically(folder / FILE, json.dumps(asdict(self)))
