"""What this machine says of the claims, for the course: the beginning of a decision record, and what was predicted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from deploy.model.home import Home, writing
from deploy.runner.console import console
from loadtests.engine.claims import Claims
from loadtests.engine.report_folder import REPORTS
from loadtests.report import claims_page
from loadtests.report.claims_page import WRONG_BOOKS, Answer
from workshop.labs import Lab, Prediction, every
from workshop.progress import LabProgress, Progress, folder_of

RECORD = "decision.md"
TO_WRITE = "_Write here._"
TEMPLATE = """# Should we split?

**Context.** Measured on {machine}. {books}

| claim | on this machine | evidence | from |
|---|---|---|---|
{rows}

What I predicted, before I measured:

{predictions}

Our system: how many teams, which part is hot, what an hour of outage costs, who is on call:
{to_write}

**Decision.** {to_write}

**Consequences.** {to_write}

**Alternatives.** {to_write}
"""
# Which predictions of the labs are about which claim: by lab, and number within it.
PREDICTIONS = {
    "C1": ((5, 1), (6, 1)),
    "C2": ((4, 1), (4, 2)),
    "C3": ((2, 1), (2, 2)),
    "C4": ((8, 1), (8, 2)),
    "C5": ((1, 1), (1, 2)),
    "C6": ((7, 2),),
    "C7": ((7, 1),),
    "C9": ((6, 2),),
    "C12": ((8, 3),),
}


def predictions(home: Home) -> dict[str, list[tuple[str, str]]]:
    """Return what was asked in the labs about each claim, and what was predicted, as far as somebody has."""
    progress = Progress(home)
    guesses = {(lab.number, one.number): (one.text, guess) for lab in every() for one, guess in _guesses(lab, progress)}
    return {claim: [guesses[place] for place in places if place in guesses] for claim, places in PREDICTIONS.items()}


def write_record(home: Home, reports: Path = REPORTS) -> Path:
    """Begin a decision record with this machine's findings and the predictions; one that is there stays as it is."""
    path = folder_of(home) / RECORD
    if path.exists():
        console.print(f"{path} is there already, and stays as it is.", markup=False)
        return path
    answers = Claims(reports).answers()
    rows = "\n".join(
        f"| {one.claim} {one.text} | {one.in_words} | {_in_a_cell(one.evidence)} | {one.report} |" for one in answers
    )
    progress = Progress(home)
    lines = [f"- Lab {lab.number}: {one.text} **{guess}**" for lab in every() for one, guess in _guesses(lab, progress)]
    text = TEMPLATE.format(
        machine="; ".join(claims_page.machines([one.result for one in answers if one.result]))
        or "no machine yet: run some experiments first",
        books=_books(answers), rows=rows, to_write=TO_WRITE,
        predictions="\n".join(lines) or "- nothing: no lab was done with this state folder.",
    )  # fmt: skip
    with writing(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return path


def _books(answers: Sequence[Answer]) -> str:
    if broken := [one.report for one in answers if one.verdict == WRONG_BOOKS]:
        return f"Promises were broken in {', '.join(broken)}: figures from there prove nothing."
    return "Every run's books were right."


def _guesses(lab: Lab, progress: Progress) -> Iterable[tuple[Prediction, str]]:
    recorded: LabProgress = progress.of(lab.number)
    for prediction in lab.predictions:
        if guess := recorded.predictions.get(str(prediction.number)):
            yield prediction, guess


def _in_a_cell(text: str) -> str:
    return " ".join(text.replace("|", "/").split())
