"""Reads a lab: its Markdown file is the source of what `twinshop lab` shows, asks, runs and expects."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deploy.model.errors import DeployError
from deploy.model.home import REPOSITORY

FOLDER = REPOSITORY / "workshop"
# What each lab has, in this order.
SECTIONS = (
    "What you will find out",
    "Predict first",
    "Run",
    "Look",
    "Explain",
    "Change something",
    "Questions",
)
EXERCISE = "Change something"
PREDICT = "**Predict.**"
_EXIT = re.compile(r"\s+# exit status (\d+)$")
_SUMMARY = re.compile(r"<summary>(.*?)</summary>", re.DOTALL)


class NoSuchLab(DeployError):
    """There is no lab of this number."""


@dataclass(frozen=True)
class Prose:
    """Text to read."""

    text: str


@dataclass(frozen=True)
class Prediction:
    """Something to predict before anything runs. `number` counts within the lab, from 1."""

    number: int
    text: str


@dataclass(frozen=True)
class Command:
    """A line for the shell, the lines that its output must hold, and the exit status that is right."""

    line: str
    expected: tuple[str, ...] = ()
    status: int = 0


@dataclass(frozen=True)
class Question:
    """A question whose answer is folded away."""

    text: str
    answer: str


Step = Prose | Prediction | Command | Question


@dataclass(frozen=True)
class Section:
    """A second-level heading and what stands under it."""

    title: str
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Lab:
    """One lab, as its file says it."""

    number: int
    title: str
    path: Path
    sections: tuple[Section, ...]

    def section(self, title: str) -> Section:
        """Return the section of this title. Raises KeyError."""
        for section in self.sections:
            if section.title == title:
                return section
        raise KeyError(f"{self.path.name} has no section '{title}'")

    @property
    def commands(self) -> list[Command]:
        """The commands that a run of the lab runs: all but those of the exercise."""
        return [
            step
            for section in self.sections
            if section.title != EXERCISE
            for step in section.steps
            if isinstance(step, Command)
        ]

    @property
    def predictions(self) -> list[Prediction]:
        """What is to be predicted."""
        return [step for section in self.sections for step in section.steps if isinstance(step, Prediction)]


def every() -> list[Lab]:
    """Return all labs, by number."""
    return [read(path) for path in sorted(FOLDER.glob("[0-9][0-9]-*.md"))]


def find(number: int) -> Lab:
    """Return the lab of this number. Raises NoSuchLab."""
    for path in FOLDER.glob(f"{number:02d}-*.md"):
        return read(path)
    raise NoSuchLab(f"There is no lab {number}; `twinshop lab` lists them.")


def read(path: Path) -> Lab:
    """Return the lab that a file holds. Raises ValueError for a file that is none."""
    heading, _, rest = path.read_text("utf-8").partition("\n")
    match = re.fullmatch(r"# Lab (\d+)\. (.+)", heading)
    if match is None:
        raise ValueError(f"{path.name} does not begin with '# Lab N. Title'")
    sections: list[Section] = []
    predictions = 0
    for part in re.split(r"^## ", rest, flags=re.MULTILINE)[1:]:
        title, _, text = part.partition("\n")
        steps: list[Step] = []
        for step in _steps(text):
            if isinstance(step, Prediction):
                predictions += 1
                step = Prediction(predictions, step.text)  # noqa: PLW2901  (numbered through the lab)
            steps.append(step)
        sections.append(Section(title.strip(), tuple(steps)))
    return Lab(int(match[1]), match[2], path, tuple(sections))


def _steps(text: str) -> Iterator[Step]:
    """Yield the steps of a section: blocks that mean something to the runner, and the prose between them."""
    special = re.compile(
        r"^```console\n(?P<console>.*?)^```$"
        r"|^<details>\n(?P<details>.*?)^</details>$"
        rf"|^{re.escape(PREDICT)}(?P<predict>.*?)(?=\n\s*\n|\Z)",
        re.DOTALL | re.MULTILINE,
    )
    at = 0
    for match in special.finditer(text):
        yield from _prose(text[at : match.start()])
        at = match.end()
        if match["console"] is not None:
            yield from commands_of(match["console"])
        elif match["details"] is not None:
            yield _question(match["details"])
        else:
            yield Prediction(0, " ".join(match["predict"].split()))
    yield from _prose(text[at:])


def _prose(text: str) -> Iterator[Prose]:
    if text.strip():
        yield Prose(text.strip())


def _question(text: str) -> Question:
    summary = _SUMMARY.search(text)
    if summary is None:
        raise ValueError("a <details> without its <summary>")
    return Question(" ".join(summary[1].split()), text[summary.end() :].strip())


def commands_of(block: str) -> Iterator[Command]:
    """Yield the commands of a console block: lines after `$ `, each with the lines of output that follow it."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        line, *output = part.splitlines()
        status = _EXIT.search(line)
        yield Command(
            _EXIT.sub("", line).strip(),
            tuple(expected for expected in output if expected.strip() not in ("", "...")),
            int(status[1]) if status else 0,
        )


def missing_in(output: str, expected: tuple[str, ...]) -> list[str]:
    """Return the expected lines that the output does not hold, in this order. `...` stands for anything."""
    lines = iter([" ".join(line.split()) for line in output.splitlines()])
    missing = []
    for expected_line in expected:
        pattern = ".*".join(re.escape(" ".join(piece.split())) for piece in expected_line.split("..."))
        # Blanks around `...` may stand for nothing at all.
        tolerant = re.compile(pattern.replace(r"\ .*", r"\s?.*").replace(r".*\ ", r".*\s?"))
        if not any(tolerant.fullmatch(line) for line in lines):
            missing.append(expected_line)
            break  # what should follow it cannot be looked for
    return missing
