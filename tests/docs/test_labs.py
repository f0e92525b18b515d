"""The labs: their form, the files and functions they name, and that every exercise fails first and can be solved."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.model.home import REPOSITORY, Home
from tests.ports import COMMANDS_SHIFT
from workshop import labs
from workshop.exercise import SOLUTION, START, Exercise
from workshop.labs import Lab
from workshop.shell import LIMIT_S

LABS = labs.every()
EXERCISES = [lab for lab in LABS if (labs.FOLDER / "exercises" / lab.path.stem).exists()]
PAGES = sorted([*(REPOSITORY / "workshop").glob("*.md"), *(REPOSITORY / "docs").glob("*.md")])
MOST_S = 600
_LINK = re.compile(r"\[([^\]]+)\]\(([^)#\s]+)(?:#[^)]*)?\)")
_NAME = re.compile(r"`([A-Za-z_][\w.]*)(?:\(\))?`")


def name(lab: Lab) -> str:
    return lab.path.stem


@pytest.fixture
def home() -> Iterator[Path]:
    """A state folder for what a lab starts; nothing of it is left up."""
    folder = Path(tempfile.mkdtemp(prefix="twinshop-lab-"))
    folder.chmod(0o755)  # PostgreSQL runs as another user where we are root
    yield folder
    twinshop(folder, "down")
    shutil.rmtree(folder, ignore_errors=True)


def twinshop(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    settings = {"TWINSHOP_HOME": str(home), "TWINSHOP_PORT_SHIFT": str(COMMANDS_SHIFT), "COLUMNS": "160"}
    return subprocess.run(
        [sys.executable, "-m", "twinshop.cli", *words], cwd=REPOSITORY, env=os.environ | settings,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=MOST_S,
    )  # fmt: skip


def test_there_are_twelve_labs_in_order() -> None:
    assert [lab.number for lab in LABS] == list(range(1, 13))


@pytest.mark.parametrize("lab", LABS, ids=name)
def test_a_lab_has_every_section_and_asks_before_it_tells(lab: Lab) -> None:
    assert tuple(section.title for section in lab.sections) == labs.SECTIONS
    assert lab.predictions, "nothing is predicted"
    assert lab.commands, "nothing is run"
    assert any(isinstance(step, labs.Question) for step in lab.section("Questions").steps)
    exercise = [step.line for step in lab.section(labs.EXERCISE).steps if isinstance(step, labs.Command)]
    assert exercise == [f"twinshop lab {lab.number} --start", f"twinshop lab {lab.number} --check"]


def test_the_links_of_the_pages_are_recognised() -> None:
    assert sum(len(_LINK.findall(page.read_text("utf-8"))) for page in PAGES) > 100


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_leads_to_a_file_and_to_the_function_it_names(page: Path) -> None:
    for text, target in _LINK.findall(page.read_text("utf-8")):
        if "://" in target:
            continue
        path = (page.parent / target).resolve()
        assert path.exists(), f"{target} is not there"
        named = _NAME.fullmatch(text)
        if named and path.suffix == ".py" and "/" not in text:
            assert named[1].split(".")[-1] in _defined_in(path), f"{target} has no {named[1]}"


def _defined_in(path: Path) -> set[str]:
    defined: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            defined.add(node.name)
        elif isinstance(node, ast.Assign):
            defined |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            defined.add(node.target.id)
    return defined


@pytest.mark.parametrize("lab", EXERCISES, ids=name)
def test_the_patches_of_an_exercise_apply_to_the_code_as_it_is(lab: Lab, tmp_path: Path) -> None:
    exercise = Exercise(lab, Home(tmp_path))
    before = _work_tree()

    exercise.start()
    started = exercise.changes()
    exercise.solve()

    assert started == [], "a fresh copy has changes"
    assert exercise.changes(), "the solution changes nothing"
    assert {path.name for path in exercise.patches.iterdir()} <= {START, SOLUTION}
    assert _work_tree() == before, "the work tree was touched"


def _work_tree() -> str:
    process = subprocess.run(
        ["git", "status", "--porcelain"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    return process.stdout


@pytest.mark.long
@pytest.mark.timeout(MOST_S + 60)
@pytest.mark.parametrize("lab", LABS, ids=name)
def test_the_commands_of_a_lab_print_what_the_text_says(lab: Lab, home: Path) -> None:
    process = twinshop(home, "lab", str(lab.number), "--yes", "--predict", "a guess")

    assert process.returncode == 0, process.stdout[-6000:] + process.stderr[-2000:]
    progress = (home / "workshop" / "progress.json").read_text("utf-8")
    assert "a guess" in progress
    took = [float(seconds) for seconds in re.findall(r'": (\d+\.\d)', progress)]
    assert max(took) <= LIMIT_S, progress


@pytest.mark.long
@pytest.mark.timeout(MOST_S + 60)
@pytest.mark.parametrize("lab", EXERCISES, ids=name)
def test_an_exercise_fails_until_it_is_solved(lab: Lab, home: Path) -> None:
    number = str(lab.number)

    unsolved = [twinshop(home, "lab", number, option) for option in ("--start", "--check")]
    solved = [twinshop(home, "lab", number, option) for option in ("--solution", "--check")]

    assert [process.returncode for process in unsolved] == [0, 1], unsolved[1].stdout + unsolved[1].stderr
    assert [process.returncode for process in solved] == [0, 0], solved[1].stdout + solved[1].stderr
