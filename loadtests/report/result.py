"""The form of result.json (section 5 of the design), its JSON schema, and how it is written, read and checked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict

from loadtests.measure.verdict import ViolationRow

# 2 adds sessions, what was sent, counts by journey and options. All of it may be absent: version 1 is read, too.
SCHEMA_VERSION: Literal[2] = 2
RESULT = "result.json"
INDEX = "index.html"

Positive = Annotated[float, Field(gt=0)]
Amount = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
Ordinal = Annotated[int, Field(ge=1)]
Text = Annotated[str, Field(min_length=1)]

exact = with_config(ConfigDict(extra="forbid"))  # a field that nobody documents is a mistake


class BadResult(ValueError):
    """A result.json that is not there, is no JSON, or does not fit the schema."""


@exact
class Latency(TypedDict):
    """Milliseconds from the intended start."""

    p50: Amount
    p95: Amount
    p99: Amount
    max: Amount


@exact
class Ratio(TypedDict):
    """B over A with its 95 % interval. `verdict` is of loadtests.measure.statistics and replication."""

    ratio: Positive
    low: Amount
    high: Positive
    a: NotRequired[str]
    b: NotRequired[str]
    what: NotRequired[str]
    pairs: NotRequired[Ordinal]
    sessions: NotRequired[Ordinal]  # starts of the arms; with one, interval and verdict are of that start alone
    p_value: NotRequired[Share]
    spread_between: NotRequired[Amount]  # standard deviations of the log ratio: of sessions, and of pairs in one
    spread_within: NotRequired[Amount]
    detects: NotRequired[Positive]  # the ratio that this design finds with a chance of 80 %
    verdict: NotRequired[Literal["higher", "lower", "not shown", "too few pairs", "too few sessions", "withheld"]]
    target: NotRequired[Positive]  # what the ratio has to stay below, where the project promises one


@exact
class Run(TypedDict):
    """One run of one build. CPU and memory are of all parts of the build; latencies leave the warm-up out."""

    build: str
    number: Ordinal
    session: NotRequired[Ordinal]  # which start of the arms; 1 where there was but one
    pair: Ordinal
    unit: Annotated[str, Field(pattern="^(mix|order|list|product)$")]  # what `units` counts
    units: Count
    load: NotRequired[dict[str, Any]]  # what was sent: mix, profile, seed
    factors: NotRequired[dict[str, Any]]  # what else was set for this run, by name
    rate_target: Positive | None  # None: as fast as it goes
    rate_achieved: Amount
    orders_confirmed: Count
    latency_ms: Latency | None
    latency_ms_by_journey: dict[str, Latency]
    requests_by_journey: NotRequired[dict[str, Count]]
    error_share: Share
    cpu_ms_per_order: Amount | None
    cpu_ms_per_unit: Amount | None
    cpu_ms_by_part: dict[str, float]
    memory_mb_by_part: dict[str, float]
    reconciled: bool | None  # None: there is nothing to reconcile (the floor)
    violations: list[ViolationRow]
    void: bool
    void_reasons: list[str]
    duration_s: NotRequired[Amount]
    raw: NotRequired[str]  # folder beside result.json
    histograms: NotRequired[dict[str, str]]  # journey -> HDR V2
    outcomes: NotRequired[dict[str, int]]
    reconciliation: NotRequired[dict[str, Any]]
    counted: NotRequired[Mapping[str, Mapping[str, float]]]
    generator: NotRequired[dict[str, Any]]
    restarted: NotRequired[list[str]]


@exact
class Claim(TypedDict):
    """A row of the claims table."""

    id: Annotated[str, Field(pattern="^C([1-9]|1[0-2])$")]
    claim: str
    verdict: Annotated[str, Field(pattern="^(supported|refuted|not shown|not measured)$")]
    evidence: str


@exact
class Gate(TypedDict):
    """The A/A gate: an arm against itself must be equivalent."""

    passed: bool
    spread: Amount
    tolerance: NotRequired[Positive]
    pairs: NotRequired[Ordinal]
    sessions: NotRequired[Ordinal]
    figure: NotRequired[str]


@exact
class Plan(TypedDict):
    """What the experiment's docstring says, section by section."""

    title: str
    question: str
    hypothesis: str
    load: str
    held_equal: str
    how_to_read: str


class Budgets(TypedDict):
    """Which cores were whose; None where nothing could be bound."""

    enforced: bool
    build_cores: list[int] | None
    other_cores: list[int] | None


class Environment(TypedDict):
    """Where a result is from. It holds more than this: loadtests/engine/environment.py."""

    cpu: str
    cores: Ordinal
    memory_mb: Positive
    os: str
    python: str
    versions: dict[str, str]
    commit: str
    seed: int
    budgets: Budgets
    load_average: NotRequired[list[float]]  # before this began
    topology: NotRequired[dict[str, Any]]


@exact
class Result(TypedDict):
    """Everything that a report is drawn from."""

    schema_version: Literal[1, 2]
    experiment: Annotated[str, Field(pattern="^[a-z0-9][a-z0-9-]*$")]
    plan: Plan
    answer: Annotated[list[Text], Field(min_length=1, max_length=3)]  # violations are said before it, by the report
    started_at: str
    duration_s: Amount
    quick: NotRequired[bool]
    options: NotRequired[dict[str, str]]
    environment: Environment
    runs: Annotated[list[Run], Field(min_length=1)]
    comparison: dict[str, Ratio]
    aa_gate: Gate | None
    claims: list[Claim]
    violations: list[ViolationRow]  # of no single run: L8
    notes: list[str]
    next_command: NotRequired[str]
    details: NotRequired[dict[str, Any]]  # what only this experiment has


def all_violations(result: Result) -> list[dict[str, str]]:
    """Return every violation, each with the build and the run it was found in."""
    rows = [(run["build"], str(run["number"]), run["violations"]) for run in result["runs"]]
    return [
        {"build": build, "run": number, **{name: str(value) for name, value in violation.items()}}
        for build, number, violations in [*rows, ("both", "", result["violations"])]
        for violation in violations
    ]


def detail(result: Result, name: str) -> Any:
    """Return what only this experiment has, by its name; None where this result has nothing of it."""
    return result.get("details", {}).get(name) or None


@cache
def _adapter() -> TypeAdapter[Result]:
    return TypeAdapter(Result)


def schema() -> dict[str, Any]:
    """Return the JSON schema that every result fits, made of the types above."""
    return _adapter().json_schema()


def check(text: str) -> Result:
    """Return the result in a JSON text if it fits the schema. Raises BadResult that names the first misfit."""
    try:
        return _adapter().validate_json(text, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        place = "/".join(map(str, first["loc"])) or "the result"
        raise BadResult(f"{place}: {first['msg']}") from error


def write(result: Result, folder: Path) -> Path:
    """Check a result and write it to `folder`/result.json; return that path. Raises BadResult."""
    text = json.dumps(result, indent=1, allow_nan=False)
    check(text)
    path = folder / RESULT
    path.write_text(text + "\n", "utf-8")
    return path


def read(where: Path) -> Result:
    """Return the checked result of a folder, or of a result.json. Raises BadResult."""
    path = where / RESULT if where.is_dir() else where
    try:
        return check(path.read_text("utf-8"))
    except OSError as error:
        raise BadResult(f"There is no result at {path}: {error.strerror}.") from error


def new_folder(reports: Path, experiment: str, moment: datetime | None = None) -> Path:
    """Make `reports/<time>-<experiment>` and return it; two in one second get different names."""
    for suffix in ("", *(f"-{number}" for number in range(2, 100))):
        folder = reports / f"{moment or datetime.now(UTC):%Y%m%d-%H%M%S}-{experiment}{suffix}"
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        return folder
    raise FileExistsError(f"{reports} has a hundred reports of this second already")


def point_latest(folder: Path) -> None:
    """Make `reports/latest` point to this report, in one step, so that a reader never finds it missing."""
    fresh = folder.parent / f".latest.{folder.name}"
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(folder.name)
    fresh.replace(folder.parent / "latest")
