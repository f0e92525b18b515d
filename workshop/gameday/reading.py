"""Reads a plan's YAML; whatever is wrong is told by line and field, with what is allowed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from deploy.model.errors import DeployError
from workshop.gameday.plan import ALLOWED, Plan

FOLDER = Path(__file__).parent / "plans"
MOST_BYTES = 100_000


class BadPlan(DeployError):
    """A file that is no plan of a game day."""


def shipped() -> list[Path]:
    """Return the plans that come with the code."""
    return sorted(FOLDER.glob("*.yaml"))


def find(name: str) -> Path:
    """Return the file of a plan: a path, or the name of one that comes with the code. Raises BadPlan."""
    for path in (Path(name), FOLDER / f"{name}.yaml"):
        if path.is_file():
            return path
    names = ", ".join(path.stem for path in shipped())
    raise BadPlan(f"There is no file and no plan '{name}'; there are {names}.")


def read(path: Path) -> Plan:
    """Return the plan in a file. Raises BadPlan."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadPlan(f"{path} cannot be read: {error}") from None
    return parse(text, path.name)


def parse(text: str, name: str = "plan") -> Plan:
    """Return the plan that a text holds. Raises BadPlan, which names every line and field that is wrong."""
    if len(text) > MOST_BYTES:
        raise BadPlan(f"{name} is longer than {MOST_BYTES} bytes: no plan of ours.")
    try:
        root, content = yaml.compose(text, yaml.SafeLoader), yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise BadPlan(f"{name}{where}: this is no YAML: {getattr(error, 'problem', None) or error}.") from None
    if not isinstance(content, dict):
        raise BadPlan(f"{name}: a plan is a mapping of {', '.join(Plan.model_fields)}.")
    try:
        return Plan.model_validate(content)
    except ValidationError as error:
        lines = [
            f"{name}, line {_line(root, one['loc'])}, {_field(one['loc'])}: {_message(one)}" for one in error.errors()
        ]
        raise BadPlan("\n".join(dict.fromkeys(lines))) from None


def _line(root: yaml.Node | None, place: Sequence[int | str]) -> int:
    """Return the line on which a field stands; that of what should hold it, where it is missing."""
    node = root
    line = root.start_mark.line + 1 if root else 1
    for step in place:
        if isinstance(node, yaml.MappingNode):
            entry = next(((key, value) for key, value in node.value if key.value == step), None)
            if entry is None:
                break
            line, node = entry[0].start_mark.line + 1, entry[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line + 1
        elif step not in ("both", "monolith", "microservices"):  # where a list stands for {both: list}
            break
    return line


def _field(place: Sequence[int | str]) -> str:
    return ".".join(str(step + 1) if isinstance(step, int) else step for step in place) or "the plan"


def _message(error: Any) -> str:
    place, kind = error["loc"], error["type"]
    if kind == "extra_forbidden":
        names = [step for step in place[:-1] if isinstance(step, str) and step in ALLOWED]
        fields = ALLOWED[names[-1] if names else ""].model_fields
        return f"there is no such field; allowed are {', '.join(fields)}"
    if kind == "missing":
        return "it is missing"
    message = str(error["msg"]).removeprefix("Value error, ")
    return message[:1].lower() + message[1:] if message.startswith("Input") else message
