"""Lab 10: a decision record that rests on figures of this machine."""

from __future__ import annotations

import re

from deploy.runner.console import console
from workshop.checks import require
from workshop.claims import RECORD, TO_WRITE
from workshop.exercise import Exercise

SECTIONS = ("Context", "Decision", "Consequences", "Alternatives")
LEAST_WORDS = 12
LEAST_CLAIMS = 3
_CLAIM = re.compile(r"\bC\d{1,2}\b")


def check(exercise: Exercise) -> None:
    """Look for its four parts, written out, and for claims and figures that the decision rests on."""
    path = exercise.code.parent.parent / RECORD
    require(path.exists(), f"There is no {path}: `twinshop claims --record` writes the beginning.")
    text = path.read_text("utf-8")
    parts = re.split(r"^\*\*(\w+)\.\*\*", text, flags=re.MULTILINE)
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    require(tuple(sections) == SECTIONS, f"A record has {', '.join(SECTIONS)}; this one has {', '.join(sections)}.")
    require(TO_WRITE not in text, f"Something still says '{TO_WRITE}'.")
    for name in SECTIONS:
        words = len(sections[name].split())
        console.print(f"{name}: {words} words")
        require(words >= LEAST_WORDS, f"{name} has {words} words; say enough that somebody can disagree with it.")
    argued = "".join(sections[name] for name in SECTIONS[1:])
    named = sorted(set(_CLAIM.findall(argued)))
    console.print(f"Argued with: {', '.join(named) or 'no claim'}")
    require(len(named) >= LEAST_CLAIMS, f"Name at least {LEAST_CLAIMS} claims (C1 to C12) that the decision rests on.")
    require(re.search(r"\d", _CLAIM.sub("", argued)), "Name at least one figure that this machine measured.")
