"""What `twinshop claims` refuses, and what it shows without asking."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.model.errors import DeployError
from loadtests.engine import report_folder
from loadtests.engine.claims import Claims
from twinshop.cli import app


@pytest.fixture(autouse=True)
def _no_reports(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TWINSHOP_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(Claims.__init__, "__defaults__", (tmp_path / report_folder.REPORTS.name,))


def test_a_claim_that_there_is_not_is_named() -> None:
    outcome = CliRunner().invoke(app, ["claims", "C3", "C13"])

    assert isinstance(outcome.exception, DeployError)
    assert str(outcome.exception).startswith("There is no claim C13; there are C1, C2")


def test_nothing_is_asked_to_draw_the_page_of_what_is_there(tmp_path: Path) -> None:
    outcome = CliRunner().invoke(app, ["claims", "--show"])

    assert outcome.exit_code == 0
    assert outcome.output.count("not asked yet") == 12
    assert "12 not asked yet" in (tmp_path / "reports/claims/index.html").read_text("utf-8")
    assert "C12" in outcome.output
