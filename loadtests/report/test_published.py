"""What the README says of results is what docs/results holds, and none of it is raw."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest

from loadtests.report import published
from loadtests.report.result import Result, read

PUBLISHED = sorted(published.RESULTS.glob("*.json"))


def test_the_readme_says_what_the_published_results_say() -> None:
    readme = published.README.read_text("utf-8")

    assert published.with_table(readme) == readme


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: path.stem)
def test_a_published_result_fits_the_schema_and_keeps_no_raw_data(path: Path) -> None:
    result = read(path)

    assert result["experiment"] == path.stem
    assert not any("raw" in run or "histograms" in run for run in result["runs"])


def test_publishing_changes_the_table(result: Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(published, "RESULTS", tmp_path)
    readme = f"# A page\n\n{published.HEAD}| old | old | old |\n\nMore.\n"

    published.publish(copy.deepcopy(result))
    text = published.with_table(readme)

    assert "old" not in text
    assert "[`demo`](docs/results/demo.json) | An order costs the services twice the CPU." in text
    assert "full form, 6 runs; 1 start, 3 pairs; no A/A gate; books right; commit abc1234, 2026-01-02" in text
    assert text.endswith("\n\nMore.\n")


def test_a_readme_without_the_table_is_refused() -> None:
    with pytest.raises(ValueError, match="no table of results"):
        published.with_table("# A page\n")
