"""What a change touches, counted from the repository: which images hold the file, which tests may notice it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from deploy.model.home import REPOSITORY

# The import contracts (import-linter) forbid a service's tests to see another service, so these are all that may
# notice a change: the tests of what is built from it, and those that speak to a whole shop over HTTP.
WHOLE_SHOP_TESTS = ("tests/journeys", "tests/contract")


@dataclass(frozen=True)
class Touched:
    """Paths are relative to the repository. `lines` of Python are in all of these images together."""

    change: str
    images: tuple[str, ...]
    lines: int
    unit_tests: int
    shop_tests: int

    def as_dict(self) -> dict[str, Any]:
        """Return it as it stands in result.json."""
        return asdict(self) | {"images": list(self.images)}


def touched_by(change: str, build: str, root: Path = REPOSITORY) -> Touched:
    """Return what a change of this file means for the deployables of a build (a folder of the repository)."""
    holding = {file: copied for file in sorted((root / build).rglob("Dockerfile")) if (copied := _copied(file))}
    images = {file: copied for file, copied in holding.items() if any(_is_in(change, one) for one in copied)}
    python = {path for copied in images.values() for one in copied for path in _python(root / one)}
    folders = {file.parent for file in images} | {(root / change).parent}
    tests = {path for folder in folders for path in folder.rglob("test_*.py")}
    return Touched(
        change=change,
        images=tuple(str(file.relative_to(root)) for file in images),
        lines=_lines(path for path in python if not path.name.startswith("test_")),
        unit_tests=_tests(tests),
        shop_tests=_tests({path for folder in WHOLE_SHOP_TESTS for path in (root / folder).rglob("test_*.py")}),
    )


def _copied(dockerfile: Path) -> list[str]:
    """Return the sources that a Dockerfile copies from the repository."""
    sources = []
    for line in dockerfile.read_text("utf-8").splitlines():
        words = line.split()
        if words and words[0] == "COPY" and not words[1].startswith("--"):
            sources += [word for word in words[1:-1] if not word.endswith(".txt")]
    return sources


def _is_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


def _python(path: Path) -> Iterable[Path]:
    return path.rglob("*.py") if path.is_dir() else [path]


def _lines(paths: Iterable[Path]) -> int:
    return sum(len(path.read_text("utf-8").splitlines()) for path in paths)


def _tests(paths: Iterable[Path]) -> int:
    """Count test functions: an estimate, for one of them may run with many parameters."""
    lines = (line for path in paths for line in path.read_text("utf-8").splitlines())
    return sum(line.startswith(("def test_", "async def test_")) for line in lines)
