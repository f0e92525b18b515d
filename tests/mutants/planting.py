"""Plants a bug in a copy of the code: replacements of text that is checked to be there, once."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.model.home import REPOSITORY

PACKAGES = ("shared", "monolith", "microservices", "variants")
_LEFT_OUT = shutil.ignore_patterns("test_*.py", "conftest.py", "outside", "node_modules")


_NOT_CODE = shutil.ignore_patterns(".*", "__pycache__", "node_modules", "reports", "pictures", "*.egg-info", "*.tar.gz")


@dataclass(frozen=True)
class Edit:
    """`before` becomes `after` in one file; its path is relative to the repository."""

    file: str
    before: str
    after: str


@dataclass(frozen=True)
class Mutant:
    """A bug in the code of one service. `breaks`: the promise whose violation the reconciler must name."""

    name: str
    build: str
    service: str
    scenario: str
    breaks: str
    edits: tuple[Edit, ...]

    def __str__(self) -> str:
        return f"{self.build}-{self.name}"


def copy_of_the_code(folder: Path, edits: Sequence[Edit] = ()) -> Path:
    """Copy the packages that the parts run to `folder`, with these edits. Raises ValueError for a lost anchor."""
    for package in PACKAGES:
        shutil.copytree(REPOSITORY / package, folder / package, ignore=_LEFT_OUT)
    for edit in edits:
        path = folder / edit.file
        path.write_text(edited(path.read_text("utf-8"), edit), "utf-8")
    return folder


def copy_of_the_repository(folder: Path) -> Path:
    """Copy the work tree to `folder`, tests and all."""
    return Path(shutil.copytree(REPOSITORY, folder, ignore=_NOT_CODE))


def edited(code: str, edit: Edit) -> str:
    """Return the code with the edit. Raises ValueError unless its anchor is there exactly once."""
    count = code.count(edit.before)
    if count != 1:
        raise ValueError(f"{edit.file} has {count} times, and not once: {edit.before!r}")
    return code.replace(edit.before, edit.after)


def environment_of(copy: Path) -> dict[str, str | None]:
    """Return the settings with which a part runs this copy, and not the work tree that it is started in."""
    return {"PYTHONPATH": str(copy), "PYTHONSAFEPATH": "1"}
