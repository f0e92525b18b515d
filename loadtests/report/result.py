"""The form of result.json (section 5 of the design), how it is written, and how it is read and checked."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, NotRequired, TypedDict, cast

import jsonschema

SCHEMA_VERSION = 1
SCHEMA = Path(__file__).with_name("result.schema.json")
RESULT = "result.json"
INDEX = "index.html"


class BadResult(ValueError):
    """A result.json that is not there, is no JSON, or does not fit the schema."""


class Latency(TypedDict):
    """Milliseconds from the intended start."""

    p50: float
    p95: float
    p99: float
    max: float


class Ratio(TypedDict):
    """B over A with its 95 % interval, over pairs. `verdict` is of loadtests.measure.statistics."""

    ratio: float
    low: float
    high: float
    a: NotRequired[str]
    b: NotRequired[str]
    what: NotRequired[str]
    pairs: NotRequired[int]
    p_value: NotRequired[float]
    verdict: NotRequired[str]
    target: NotRequired[float]  # what the ratio has to stay below, where the project promises one


class Run(TypedDict):
    """One run of one build. CPU and memory are of all parts of the build; latencies leave the warm-up out."""

    build: str
    number: int
    pair: int
    unit: str  # mix | order | list: what `units` counts
    units: int
    rate_target: float | None  # None: as fast as it goes
    rate_achieved: float
    orders_confirmed: int
    latency_ms: Latency | None
    latency_ms_by_journey: dict[str, Latency]
    error_share: float
    cpu_ms_per_order: float | None
    cpu_ms_per_unit: float | None
    cpu_ms_by_part: dict[str, float]
    memory_mb_by_part: dict[str, float]
    reconciled: bool | None  # None: there is nothing to reconcile (the floor)
    violations: list[dict[str, str]]
    void: bool
    void_reasons: list[str]
    duration_s: NotRequired[float]
    raw: NotRequired[str]  # folder beside result.json
    histograms: NotRequired[dict[str, str]]  # journey -> HDR V2
    outcomes: NotRequired[dict[str, int]]
    reconciliation: NotRequired[dict[str, Any]]
    counted: NotRequired[dict[str, dict[str, int]]]
    generator: NotRequired[dict[str, Any]]
    restarted: NotRequired[list[str]]


class Claim(TypedDict):
    """A row of the claims table; verdict: supported | refuted | not shown | not measured."""

    id: str
    claim: str
    verdict: str
    evidence: str


class Gate(TypedDict):
    """The A/A gate: an arm against itself must be equivalent."""

    passed: bool
    spread: float
    tolerance: NotRequired[float]
    pairs: NotRequired[int]
    figure: NotRequired[str]


class Plan(TypedDict):
    """What the experiment's docstring says, section by section."""

    title: str
    question: str
    hypothesis: str
    load: str
    held_equal: str
    how_to_read: str


class Result(TypedDict):
    """Everything that a report is drawn from."""

    schema_version: int
    experiment: str
    plan: Plan
    answer: list[str]  # two sentences; violations are said before them, by the report
    started_at: str
    duration_s: float
    environment: dict[str, Any]
    runs: list[Run]
    comparison: dict[str, Ratio]
    aa_gate: Gate | None
    claims: list[Claim]
    violations: list[dict[str, str]]  # of no single run: L8
    notes: list[str]
    next_command: NotRequired[str]
    details: NotRequired[dict[str, Any]]  # what only this experiment has


def all_violations(result: Result) -> list[dict[str, str]]:
    """Return every violation, each with the build and the run it was found in."""
    found = [
        {"build": run["build"], "run": str(run["number"]), **violation}
        for run in result["runs"]
        for violation in run["violations"]
    ]
    return found + [{"build": "both", "run": "", **violation} for violation in result["violations"]]


@cache
def schema() -> dict[str, Any]:
    """Return the JSON schema that every result fits."""
    return cast(dict[str, Any], json.loads(SCHEMA.read_text("utf-8")))


def check(result: Any) -> Result:
    """Return the result if it fits the schema. Raises BadResult that names the first thing that does not."""
    validator = jsonschema.Draft202012Validator(schema())
    errors = sorted(validator.iter_errors(result), key=lambda error: list(map(str, error.absolute_path)))
    if errors:
        place = "/".join(map(str, errors[0].absolute_path)) or "the result"
        raise BadResult(f"{place}: {errors[0].message}")
    return cast(Result, result)


def write(result: Result, folder: Path) -> Path:
    """Check a result and write it to `folder`/result.json; return that path. Raises BadResult."""
    # Through JSON first: what is checked is what stands in the file.
    text = json.dumps(result, indent=1, allow_nan=False)
    check(json.loads(text))
    path = folder / RESULT
    path.write_text(text + "\n", "utf-8")
    return path


def read(where: Path) -> Result:
    """Return the checked result of a folder, or of a result.json. Raises BadResult."""
    path = where / RESULT if where.is_dir() else where
    try:
        content = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise BadResult(f"There is no result at {path}: {error.strerror}.") from error
    except ValueError as error:
        raise BadResult(f"{path} is not JSON: {error}") from error
    return check(content)


def new_folder(reports: Path, experiment: str, moment: datetime | None = None) -> Path:
    """Make `reports/<time>-<experiment>` and return it; two in one second get different names."""
    stamp = (moment or datetime.now(UTC)).strftime("%Y%m%d-%H%M%S")
    for suffix in ("", *(f"-{number}" for number in range(2, 100))):
        folder = reports / f"{stamp}-{experiment}{suffix}"
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        return folder
    raise FileExistsError(f"{reports} has a hundred reports of this second already")


def point_latest(folder: Path) -> None:
    """Make `reports/latest` point to this report, in one step, so that a reader never finds it missing."""
    link = folder.parent / "latest"
    fresh = folder.parent / f".latest.{folder.name}"
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(folder.name)
    fresh.replace(link)
