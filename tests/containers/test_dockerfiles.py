"""What an image copies is enough to import what it runs, and nothing that is none of its business. No engine is needed.

The packages are those of this environment: whether an image installs all that it needs shows when it is built.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.model.home import REPOSITORY

CHECK = REPOSITORY / "deploy/compose/images/check.py"
LEFT_OUT = shutil.ignore_patterns("__pycache__", "tests", "test_*.py", "conftest.py", "Dockerfile")  # .dockerignore
# Our code is found in the copy alone, though the environment of the tests knows the repository, too.
RUN_ALONE = (
    "import runpy, sys; sys.path = [place for place in sys.path if place != {repository!r}]; sys.argv = sys.argv[1:]; "
    "runpy.{how}(sys.argv[0], run_name='__main__')"
)
PYTHON = sorted(
    path.relative_to(REPOSITORY)
    for folder in ("deploy", "loadtests", "microservices", "monolith", "outside", "shared")
    for path in (REPOSITORY / folder).rglob("Dockerfile")
    if path.parent.name != "broker"  # no program of ours
)


def steps(dockerfile: str) -> list[list[str]]:
    """Return a Dockerfile's lines as words, without its comments, its continued lines joined."""
    lines = [line for line in dockerfile.splitlines() if not line.startswith("#")]
    return [shlex.split(line) for line in re.sub(r"\\\n", " ", "\n".join(lines)).splitlines() if line.strip()]


def copy(words: list[str], place: Path) -> None:
    """Do in a folder what a COPY does in the image's."""
    *sources, target = words
    for source in (path for pattern in sources for path in sorted(REPOSITORY.glob(pattern))):
        if source.is_dir():
            shutil.copytree(source, place / target, ignore=LEFT_OUT, dirs_exist_ok=True)
        elif source.name not in LEFT_OUT(str(source.parent), [source.name]):
            (place / target).mkdir(parents=True, exist_ok=True)
            shutil.copy(source, place / target)


def checked(dockerfile: str, place: Path) -> subprocess.CompletedProcess[str]:
    """Copy what the image copies, and run the program that the build ends with."""
    run: list[str] = []
    for name, *words in steps(dockerfile):
        if name == "COPY" and not words[0].startswith("--from") and not words[-1].startswith("/"):
            copy(words, place)
        elif name == "RUN" and "-m" in words and "deploy.compose.edge_config" in words:
            run = ["run_module", "deploy.compose.edge_config", str(place / "configuration")]
        elif name == "RUN" and "/check.py" in words:
            run = ["run_path", str(CHECK), *words[words.index("/check.py") + 1 :]]
    assert run, "the build checks nothing"
    how, *arguments = run
    return subprocess.run(
        [sys.executable, "-c", RUN_ALONE.format(repository=str(REPOSITORY), how=how), *arguments],
        cwd=place, timeout=60, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("path", PYTHON, ids=str)
def test_an_image_holds_what_it_runs_and_no_more(path: Path, tmp_path: Path) -> None:
    check = checked((REPOSITORY / path).read_text("utf-8"), tmp_path)

    assert check.returncode == 0, check.stderr


def test_the_image_of_a_variant_adds_it_to_that_of_the_part(tmp_path: Path) -> None:
    part = (REPOSITORY / "microservices/payments/Dockerfile").read_text("utf-8")
    variants = (REPOSITORY / "variants/Dockerfile").read_text("utf-8")

    check = checked(f"{part}\n{variants}", tmp_path)

    assert check.returncode == 0, check.stderr
    assert (tmp_path / "variants/tracing/__main__.py").exists()


def test_a_missing_and_a_foreign_file_are_noticed(tmp_path: Path) -> None:
    right = (REPOSITORY / "microservices/payments/Dockerfile").read_text("utf-8")
    line = "COPY microservices/kit microservices/kit\n"
    assert line in right

    missing = checked(right.replace(line, ""), tmp_path / "missing")
    foreign = checked(right.replace(line, f"{line}COPY microservices/orders microservices/orders\n"), tmp_path / "more")

    assert "No module named 'microservices.kit'" in missing.stderr
    assert "this image shall not hold microservices/orders/" in foreign.stderr
