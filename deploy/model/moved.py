"""Which modules of the monolith are services of their own: a file, so that a stack comes up as it went down."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from deploy.model.home import write_atomically

FILE = "moved.json"
# Who leaves first: what nobody calls, then what is called, and last who calls. Back in the opposite order.
ORDER = ("notifications", "catalog", "payments", "orders")


@dataclass(frozen=True)
class Moved:
    """`out` have left the monolith; `moving` is on its way, out or back, so that both sides run."""

    out: tuple[str, ...] = ()
    moving: str = ""

    @property
    def running(self) -> tuple[str, ...]:
        """The services that run, in the order in which they leave."""
        return tuple(module for module in ORDER if module in self.out or module == self.moving)

    @property
    def is_monolith_left(self) -> bool:
        """Whether the monolith still has something to do."""
        return set(self.out) != set(ORDER) or bool(self.moving)

    @classmethod
    def read(cls, folder: Path) -> Moved:
        """Return how far the stack of this folder is; nothing is out if nobody has moved anything."""
        try:
            document = json.loads((folder / FILE).read_text("utf-8"))
        except FileNotFoundError:
            return cls()
        return cls(tuple(document["out"]), document["moving"])

    def write(self, folder: Path) -> None:
        """Keep it."""
        write_atomically(folder / FILE, json.dumps(asdict(self)))
