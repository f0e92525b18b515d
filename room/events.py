"""Everything that was done or seen, in order: the lines on the charts, and a file that outlives the page."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

WORDS = {"ready": "is ready", "paused": "is frozen", "held": "is held down", "backing off": "has died"}

Kind = Literal["did", "end", "seen", "books"]
Event = dict[str, Any]


class EventLog:
    """Numbered events, each told to everybody who listens and written down."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("w", encoding="utf-8", buffering=1)
        self.items: list[Event] = []
        self.listeners: list[Callable[[Event], None]] = []

    def add(self, kind: Kind, text: str, *, stack: str = "", good: bool = True) -> Event:
        """Note an event now; `text` is the command, or what was seen."""
        event: Event = {
            "n": len(self.items),
            "at": round(time.time() * 1000),
            "kind": kind,
            "text": text,
            "stack": stack,
            "good": good,
        }
        self.items.append(event)
        self._file.write(json.dumps(event) + "\n")
        for tell in self.listeners:
            tell(event)
        return event

    def close(self) -> None:
        """End the file."""
        self._file.close()


class StateChanges:
    """Finds what became of replicas between two looks, whoever did it: this page or somebody at a terminal."""

    def __init__(self) -> None:
        self._known: dict[str, dict[str, str]] = {}

    def of(self, stack: str, states: dict[str, str]) -> list[tuple[str, bool]]:
        """Return (what happened, whether it is good) since the last call."""
        before = self._known.get(stack)
        self._known[stack] = states
        if before is None:
            return []
        if bool(before) != bool(states):
            return [(f"{stack} is {'starting' if states else 'down'}", bool(states))]
        events = [
            (f"{name} {WORDS[state]}", state == "ready")
            for name, state in states.items()
            if before.get(name) != state and state in WORDS
        ]
        # A part that came back within one look was down all the same; its restart says so.
        return events + [(f"{name} is gone", True) for name in before if name not in states]
