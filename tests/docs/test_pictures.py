"""The pictures of the architectures are those of the topology that runs."""

from __future__ import annotations

import re

from twinshop import pictures

DATED = re.compile(r"\*\d{4}-\d\d-\d\d, (accepted|superseded by \[\d{4}\]\(\d{4}-[a-z-]+\.md\))\*")


def test_the_committed_pictures_are_those_of_the_topology() -> None:
    assert pictures.PAGE.read_text("utf-8") == pictures.page(), "stale: `twinshop pictures` draws them anew"


def test_the_index_names_every_decision_record() -> None:
    docs = pictures.PAGE.parent
    index = (docs / "README.md").read_text("utf-8")

    titles = {each.name: each.read_text("utf-8").splitlines()[0] for each in (docs / "decisions").glob("0*.md")}

    assert titles
    absent = [name for name, title in titles.items() if f"[{title.removeprefix('# ')}](decisions/{name})" not in index]
    assert absent == []


def test_every_decision_record_says_when_it_was_made_and_whether_it_holds() -> None:
    records = sorted((pictures.PAGE.parent / "decisions").glob("0*.md"))

    undated = [one.name for one in records if not DATED.fullmatch(one.read_text("utf-8").splitlines()[2])]

    assert records
    assert not undated
