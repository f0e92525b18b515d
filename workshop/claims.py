"""The claims table of this machine: each claim with the newest result that says something about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from deploy.model.home import REPOSITORY, Home, writing
from deploy.runner.console import console
from loadtests.report.claims import CLAIMS, NOT_MEASURED
from loadtests.report.result import BadResult, Result, read
from workshop.labs import Lab, every
from workshop.progress import LabProgress, Progress, folder_of

REPORTS = REPOSITORY / "reports"
RECORD = "decision.md"
TO_WRITE = "_Write here._"
TEMPLATE = """# Should we split?

**Context.** Measured on {machine}. {quick}

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


@dataclass(frozen=True)
class Finding:
    """What this machine says about a claim. `report`: the folder it is from, empty if nothing measured it."""

    claim: str
    text: str
    verdict: str = NOT_MEASURED
    evidence: str = ""
    report: str = ""


def findings(reports: Path = REPORTS) -> list[Finding]:
    """Return all claims; where there are several results about one, the newest counts."""
    claims = {claim: Finding(claim, text) for claim, text in CLAIMS.items()}
    for folder, result in _results(reports):
        for row in result["claims"]:
            if row["verdict"] != NOT_MEASURED and row["id"] in claims:
                claims[row["id"]] = Finding(row["id"], row["claim"], row["verdict"], row["evidence"], folder.name)
    return list(claims.values())


def write_record(home: Home, reports: Path = REPORTS) -> Path:
    """Begin a decision record with this machine's findings and the predictions; one that is there stays as it is."""
    path = folder_of(home) / RECORD
    if path.exists():
        console.print(f"{path} is there already, and stays as it is.", markup=False)
        return path
    rows = "\n".join(
        f"| {one.claim} {one.text} | {one.verdict} | {_in_a_cell(one.evidence)} | {one.report} |"
        for one in findings(reports)
    )
    progress = Progress(home)
    predictions = "\n".join(_predictions_of(every(), progress)) or "- nothing: no lab was done with this state folder."
    text = TEMPLATE.format(
        machine=_machine(reports), quick=_quick(reports), rows=rows, predictions=predictions, to_write=TO_WRITE
    )
    with writing(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return path


def _results(reports: Path) -> Iterable[tuple[Path, Result]]:
    """Yield the reports that can be read, oldest first."""
    for folder in sorted(reports.glob("2*-*")):
        try:
            yield folder, read(folder)
        except BadResult:
            continue  # an experiment that was stopped leaves a folder without a result


def _machine(reports: Path) -> str:
    environments = [result["environment"] for _, result in _results(reports)]
    if not environments:
        return "no machine yet: run some experiments first"
    newest = environments[-1]
    return f"{newest['cpu']}, {newest['cores']} cores, {newest['os']}"


def _quick(reports: Path) -> str:
    broken = [folder.name for folder, result in _results(reports) if any(run["violations"] for run in result["runs"])]
    if broken:
        return f"Promises were broken in {', '.join(broken)}: figures from there prove nothing."
    return "Every run's books were right."


def _predictions_of(labs: Iterable[Lab], progress: Progress) -> Iterable[str]:
    for lab in labs:
        lab_progress: LabProgress = progress.of(lab.number)
        for prediction in lab.predictions:
            if prediction_text := lab_progress.predictions.get(str(prediction.number)):
                yield f"- Lab {lab.number}: {prediction.text} **{prediction_text}**"


def _in_a_cell(text: str) -> str:
    return " ".join(text.replace("|", "/").split())
