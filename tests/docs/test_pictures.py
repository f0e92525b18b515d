"""The pictures of the architectures are those of the topology that runs."""

from __future__ import annotations

from deploy import drawing


def test_the_committed_pictures_are_those_of_the_topology() -> None:
    assert drawing.PAGE.read_text("utf-8") == drawing.page(), "stale: `twinshop pictures` draws them anew"


def test_the_index_names_every_decision_record() -> None:
    docs = drawing.PAGE.parent
    index = (docs / "README.md").read_text("utf-8")

    for record in sorted((docs / "decisions").glob("0*.md")):
        title = record.read_text("utf-8").splitlines()[0].removeprefix("# ")
        assert f"[{title}](decisions/{record.name})" in index, record.name
