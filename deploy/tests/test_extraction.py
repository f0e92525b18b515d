"""Which modules are extracted is read from a stack's folder, also from one of the version before."""

from __future__ import annotations

import json
from pathlib import Path

from deploy.model.extraction import ExtractionState


def test_what_was_written_is_read(tmp_path: Path) -> None:
    state = ExtractionState(("notifications",), "catalog")

    state.write(tmp_path)

    assert ExtractionState.read(tmp_path) == state


def test_nothing_is_extracted_in_a_new_folder(tmp_path: Path) -> None:
    assert ExtractionState.read(tmp_path) == ExtractionState()


def test_the_file_of_the_version_before_is_taken_over_until_there_is_one_of_ours(tmp_path: Path) -> None:
    (tmp_path / "moved.json").write_text(json.dumps({"out": ["notifications", "catalog"], "moving": ""}), "utf-8")
    taken_over = ExtractionState.read(tmp_path)

    ExtractionState(("notifications",)).write(tmp_path)

    assert taken_over == ExtractionState(("notifications", "catalog"))
    assert ExtractionState.read(tmp_path) == ExtractionState(("notifications",))
