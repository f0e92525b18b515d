"""Whoever breaks something for an audience leaves a note, which goes with the fault or with its writer."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from deploy.faults import notes
from deploy.model.home import Home


def test_a_note_is_there_as_long_as_its_fault(tmp_path: Path) -> None:
    home = Home(tmp_path)

    with notes.noted(home, "monolith", "pause", "db", 30):
        (note,) = notes.current(home)

    assert (note.stack, note.fault, note.part, note.ends_at - note.began_at) == ("monolith", "pause", "db", 30)
    assert notes.current(home) == []


def test_a_note_whose_writer_was_killed_counts_no_more(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    with notes.noted(home, "monolith", "pause", "db", 30):
        (path,) = notes.folder(home).glob("*.json")
        path.write_text(json.dumps(json.loads(path.read_text()) | {"pid": process.pid}))

        assert notes.current(home) == []
        assert not path.exists()


def test_healing_a_shop_takes_its_notes_and_no_others(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with notes.noted(home, "monolith", "pause", "db", 30), notes.noted(home, "microservices", "pause", "orders", 30):
        notes.forget(home, "monolith")

        assert [note.stack for note in notes.current(home)] == ["microservices"]
