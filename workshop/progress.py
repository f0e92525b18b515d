"""What a participant has done and predicted, kept in the state folder: `workshop/progress.json`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from deploy.model.home import Home, read_json, write_atomically, writing


@dataclass
class LabProgress:
    """One lab: how many steps are done, what was predicted (by number), and when it and its exercise were done."""

    steps_done: int = 0
    predictions: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)  # what each command took, by its line
    done_at: str = ""
    solved_at: str = ""


class Progress:
    """The progress of one state folder."""

    def __init__(self, home: Home) -> None:
        self._path = folder_of(home) / "progress.json"
        self._labs = self._read()
        self._asked_for: set[str] = set()

    def _read(self) -> dict[str, LabProgress]:
        return {number: LabProgress(**lab) for number, lab in (read_json(self._path) or {}).items()}

    def of(self, number: int) -> LabProgress:
        """Return the progress of a lab; change it, and `keep`."""
        self._asked_for.add(str(number))
        return self._labs.setdefault(str(number), LabProgress())

    def start_over(self, number: int) -> LabProgress:
        """Forget the steps of a lab; the predictions stay until they are made anew."""
        lab = self.of(number)
        lab.steps_done = 0
        return lab

    def keep(self) -> None:
        """Write down the labs that were asked for, beside what another terminal has kept. Raises FolderTrouble."""
        with writing(self._path.parent):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            labs = self._read() | {number: self._labs[number] for number in self._asked_for}
            content = {number: asdict(lab) for number, lab in labs.items()}
            write_atomically(self._path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def folder_of(home: Home) -> Path:
    """Return where the course keeps what it knows."""
    return home.root / "workshop"


def now() -> str:
    """Return the time, for people."""
    return datetime.now(UTC).isoformat(timespec="seconds")
