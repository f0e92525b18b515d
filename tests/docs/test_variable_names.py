"""A variable is called after what it holds: `rows`, `violations`, `answer`. A bare participle says nothing."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.model.home import REPOSITORY

# Say instead what was found, told or given; a parameter, an attribute, a function and a class are held to it, too.
WITHOUT_A_NOUN = frozenset((
    "asked", "begun", "chosen", "dealt", "done", "drawn", "found", "given", "gone", "heard", "kept", "led", "left",
    "made", "said", "seen", "shown", "struck", "taken", "told", "wanted", "way", "ways",
))  # fmt: skip
PACKAGES = (
    "deploy", "loadtests/load", "loadtests/profiling", "loadtests/traces", "migration", "microservices", "monolith",
    "outside", "room", "shared", "tests", "twinshop", "variants", "workshop",
)  # fmt: skip
KEYS = {("workshop/classroom/report.py", "done"), ("workshop/gameday/outcome.py", "seen")}  # of JSON that others read


def names_of(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Each name that a file gives to something, with its line."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()) | ast.arg(arg=name):
                yield node.lineno, name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield node.lineno, name
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield node.lineno, name


def violations_in(path: Path) -> list[str]:
    """The lines of a file that call something by one of these words alone."""
    names = names_of(ast.parse(path.read_text("utf-8")))
    bare = [(line, name) for line, name in names if name.strip("_").lower() in WITHOUT_A_NOUN]
    return [f"{path}:{line}: {name}" for line, name in bare if not _is_key(path, name)]


def _is_key(path: Path, name: str) -> bool:
    return path.is_relative_to(REPOSITORY) and (path.relative_to(REPOSITORY).as_posix(), name) in KEYS


@pytest.mark.parametrize("package", PACKAGES)
def test_names_say_what_they_hold(package: str) -> None:
    files = sorted((REPOSITORY / package).rglob("*.py"))

    assert files
    assert [line for path in files for line in violations_in(path)] == []


def test_every_kind_of_name_is_looked_at(tmp_path: Path) -> None:
    file = tmp_path / "names.py"
    file.write_text(
        "class Way:\n    told = 1\ndef _found(given, *kept, seen=1):\n    self.said = [asked for asked in given]\n"
        "def reads_only():\n    return found\n"
    )

    lines = [line.removeprefix(f"{file}:") for line in violations_in(file)]

    assert sorted(lines) == [
        "1: Way", "2: told", "3: _found", "3: given", "3: kept", "3: seen", "4: asked", "4: said",
    ]  # fmt: skip
