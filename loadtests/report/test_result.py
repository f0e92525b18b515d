"""A result is checked against its schema when it is written and when it is read."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from loadtests.report import result as results
from loadtests.report.claims import CLAIMS, table
from loadtests.report.result import BadResult, Result


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(results.schema())


def test_a_result_of_the_first_version_is_still_read(result: Result, tmp_path: Path) -> None:
    old: Any = copy.deepcopy(result) | {"schema_version": 1}
    for added in ("quick", "options"):
        old.pop(added, None)
    (tmp_path / "result.json").write_text(json.dumps(old))

    assert results.read(tmp_path)["schema_version"] == 1


def test_what_is_written_is_read_again(result: Result, tmp_path: Path) -> None:
    results.write(result, tmp_path)

    assert results.read(tmp_path) == json.loads(json.dumps(result))
    assert results.read(tmp_path / "result.json")["experiment"] == "demo"


SPOIL: dict[str, Callable[[dict[str, Any]], Any]] = {
    "no runs": lambda r: r["runs"].clear(),
    "a run without a build": lambda r: r["runs"][0].pop("build"),
    "no seed": lambda r: r["environment"].pop("seed"),
    "a claim of ours": lambda r: r["claims"][0].update(id="C13"),
    "a verdict of ours": lambda r: r["claims"][0].update(verdict="proven"),
    "a negative ratio": lambda r: r["comparison"]["latency_p50_services_vs_monolith"].update(ratio=-1),
    "a share above one": lambda r: r["runs"][0].update(error_share=1.5),
    "an unknown field": lambda r: r.update(winner="monolith"),
    "a promise nobody made": lambda r: r["violations"].append(
        {"promise": "S99", "about": "x", "seen": "x", "expected": "x"}
    ),
    "a gate without a spread": lambda r: r.update(aa_gate={"passed": True}),
}


@pytest.mark.parametrize("name", SPOIL)
def test_a_spoilt_result_is_refused(name: str, result: Result, tmp_path: Path) -> None:
    spoilt: Any = copy.deepcopy(result)
    SPOIL[name](spoilt)

    with pytest.raises(BadResult):
        results.write(spoilt, tmp_path)
    assert not (tmp_path / "result.json").exists()


def test_not_a_number_never_reaches_a_file(result: Result, tmp_path: Path) -> None:
    result["runs"][0]["rate_achieved"] = float("nan")

    with pytest.raises(ValueError, match="JSON"):
        results.write(result, tmp_path)


@pytest.mark.parametrize("content", [None, "{", "[]"])
def test_a_result_that_is_none_is_named(content: str | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "result.json").write_text(content)

    with pytest.raises(BadResult):
        results.read(tmp_path)


def test_reports_of_the_same_second_do_not_overwrite_each_other(tmp_path: Path) -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

    first, second = (results.new_folder(tmp_path, "demo", moment) for _ in range(2))

    assert first.name == "20260102-030405-demo"
    assert second.name == "20260102-030405-demo-2"


def test_latest_moves_to_the_newest(tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        results.point_latest(tmp_path / name)

    assert (tmp_path / "latest").resolve() == (tmp_path / "second").resolve()


def test_the_claims_table_has_all_twelve_rows() -> None:
    rows = table({"C3": ("supported", "2.4 times")})

    assert [row["id"] for row in rows] == list(CLAIMS)
    assert [row["verdict"] for row in rows if row["id"] == "C3"] == ["supported"]
    assert {row["verdict"] for row in rows if row["id"] != "C3"} == {"not measured"}
