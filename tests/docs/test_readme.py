"""The commands of README.md and of its two pages exist, the quick ones are run, and the files named are there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.model.ports import PORTS
from tests.docs.readme import PAGES, REPOSITORY, RUNNING, Command, commands_of, files_of, inline_commands_of
from tests.ports import COMMANDS_SHIFT

TAKES_LONG = {
    "demo",
    "test",
    "test-all",
    "bench",
    "claims",
    "experiment",
    "migrate",  # its steps are watched for seconds each; tests/migration moves modules
    "migrate-back",
    "locust",
    "room",
    "chaos",
    "compare",
    "compose-up",
    "compose-demo",
    "compose-down",  # like the other two, where there is Docker
    "setup",
}
QUICK_S = 60
# What takes minutes is run in its short form; `make test` is what runs this, and pages are opened by tests/browser.
SHORT_FORMS = {
    "demo": ("demo", "--quick"),
    "bench": ("bench", "--quick"),
    "experiment": ("experiment", "steady", "--quick"),
}
SHORT_S = 900


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A state folder for what the README starts."""
    folder = Path(tempfile.mkdtemp(prefix="twinshop-readme-"))
    folder.chmod(0o755)
    yield folder
    run(Command(("make", "down")), folder)
    shutil.rmtree(folder, ignore_errors=True)


def run(command: Command, home: Path, limit_s: float = QUICK_S) -> subprocess.CompletedProcess[str]:
    """Run a command of the page in the repository, with a state folder and ports of its own."""
    # The environment that runs this test is the one that `make` would set up.
    words = [*command.words, "-o", ".venv/.ready"] if command.words[0] == "make" else list(command.words)
    settings = {"TWINSHOP_HOME": str(home), "TWINSHOP_PORT_SHIFT": str(COMMANDS_SHIFT), "COLUMNS": "120"}
    return subprocess.run(
        words, cwd=REPOSITORY, env=os.environ | settings, capture_output=True, text=True, check=False, timeout=limit_s
    )


@pytest.mark.parametrize("command", sorted(set(commands_of() + inline_commands_of()), key=str), ids=str)
def test_every_command_has_its_target(command: Command, tmp_path: Path) -> None:
    if command.words[0] != "make":
        assert shutil.which(command.words[0], path=f"{REPOSITORY / '.venv/bin'}{os.pathsep}{os.environ['PATH']}")
        return

    dry = run(Command((*command.words, "--dry-run")), tmp_path)

    assert dry.returncode == 0, dry.stderr


def test_the_quick_commands_run_one_after_the_other_as_a_reader_would(home: Path) -> None:
    quick = [command for command in commands_of() if command.target not in TAKES_LONG]
    # A reader looks around before putting everything away.
    ordered = [command for command in quick if command.target != "down"] + [Command(("make", "down"))]

    for command in ordered:
        process = run(command, home)
        assert process.returncode == 0, f"$ {command}\n{process.stdout}\n{process.stderr}"

    assert {"up", "status", "kill", "hold", "release", "scale", "logs"} <= {command.target for command in ordered}


@pytest.mark.long
@pytest.mark.timeout(SHORT_S + 60)
@pytest.mark.parametrize("target", SHORT_FORMS)
def test_the_long_commands_run_in_their_short_form(home: Path, target: str) -> None:
    assert target in {command.target for command in commands_of()}
    words = (sys.executable, "-m", "twinshop.cli", *SHORT_FORMS[target])

    process = run(Command(words), home, SHORT_S)

    assert process.returncode == 0, f"{process.stdout[-3000:]}\n{process.stderr[-2000:]}"
    assert "Report: " in process.stdout
    run(Command(("make", "down")), home)


def test_help_tells_every_target_of_the_makefile(home: Path) -> None:
    help_text = run(Command(("make", "help")), home).stdout

    makefile = (REPOSITORY / "Makefile").read_text("utf-8")
    rules = re.findall(r"^([a-z][a-z -]*):(?!=)(?!\n\t@echo .* is now: )", makefile, re.MULTILINE)  # gone: only told so
    words = {word for line in help_text.splitlines() for word in line[:60].split()}
    assert [target for rule in rules for target in rule.split() if target not in words] == []


@pytest.mark.parametrize("named", sorted({name for page in PAGES for name in files_of(page)}))
def test_every_file_that_the_page_names_is_there(named: str) -> None:
    assert (REPOSITORY / named).exists()


def test_the_ports_of_the_page_are_the_ports_of_the_topology() -> None:
    text = RUNNING.read_text("utf-8")
    table = text[text.index("## Ports") :]

    rows = {
        name: re.search(rf"^\| {name} \|.*$", table, re.MULTILINE)
        for name in ("monolith", "microservices", "colocated")
    }

    for name, row in rows.items():
        assert row is not None
        ports = _ports_in(row[0])
        assert {port for part in PORTS[name].values() for port in part.values()} <= ports, name


def _ports_in(row: str) -> set[int]:
    """Return every port of a table row; `18201-18203` means all three."""
    ports: set[int] = set()
    for first, last in re.findall(r"\b(\d{4,5})(?:-(\d{5}))?\b", row):
        ports |= set(range(int(first), int(last or first) + 1))
    return ports


@pytest.mark.parametrize("record", sorted((REPOSITORY / "docs/decisions").glob("0*.md")), ids=lambda path: path.stem)
def test_a_decision_record_says_context_decision_consequences_and_alternatives(record: Path) -> None:
    text = record.read_text("utf-8")

    sections = re.findall(r"^\*\*(\w+)\.\*\*", text, re.MULTILINE)
    assert sections == ["Context", "Decision", "Consequences", "Alternatives"]
    assert len(text.splitlines()) < 80, "a decision record is one screen"
