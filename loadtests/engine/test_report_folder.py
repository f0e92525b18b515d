"""The folder of a report: where nothing was measured, none is left."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.model.errors import DeployError
from loadtests.engine import registry, report_folder

FILE = '''"""Refuse.

Question: Why?

Hypothesis: None.

Load: None.

What is held equal: All.

How to read it: Not at all.
"""

from deploy.model.errors import DeployError


def run(study):
    {before}
    raise DeployError("no")
'''


@pytest.mark.parametrize(("before", "remains"), [("pass", []), ("study.raw_folder(1, 'a b')", ["run-01-a-b"])])
def test_an_experiment_that_refuses_leaves_what_it_measured(tmp_path: Path, before: str, remains: list[str]) -> None:
    file = tmp_path / "refusal.py"
    file.write_text(FILE.format(before=before))

    with pytest.raises(DeployError, match="no"):
        report_folder.conduct(registry.from_file(file), quick=True, seed=1, reports=tmp_path / "reports")

    assert [path.name for path in (tmp_path / "reports").glob("*/*")] == remains
    assert len(list((tmp_path / "reports").glob("*"))) == len(remains)
