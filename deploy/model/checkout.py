"""Applications of a stack from another commit: a file in its folder, so that all who read the stack know of it.

Only their code is another: databases, broker, edge, settings and what supervises them are those of this commit.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from deploy.model.home import read_json, write_atomically
from deploy.model.parts import PYTHON, Part, Reset, Stack

FILE = "checkout.json"


@dataclass(frozen=True)
class Checkout:
    """Where another commit's packages are, and the interpreter that has what they require."""

    commit: str
    folder: str
    python: str

    @classmethod
    def read(cls, stack_folder: Path) -> Checkout | None:
        """Return the one that the stack of this folder runs; None: it runs the code that is here."""
        row = read_json(stack_folder / FILE)
        return cls(**row) if row else None

    def write(self, stack_folder: Path) -> None:
        """Have the stack of this folder run it, from its next start on."""
        stack_folder.mkdir(parents=True, exist_ok=True)
        write_atomically(stack_folder / FILE, json.dumps(asdict(self)))

    def within(self, stack: Stack) -> Stack:
        """Return the stack with its applications, and what makes their data fresh, run from here."""
        # Without the safe path the working folder, which is that of this commit, would come first.
        path = {"PYTHONPATH": self.folder, "PYTHONSAFEPATH": "1"}

        def app(part: Part) -> Part:
            variants = {name: self._command(command) for name, command in part.variants.items()}
            own = replace(part, command=self._command(part.command), environment={**part.environment, **path})
            return replace(own, variants=variants)

        def reset(one: Reset) -> Reset:
            return replace(one, command=self._command(one.command), environment={**one.environment, **path})

        parts = tuple(app(part) if part.kind == "app" else part for part in stack.parts)
        return replace(stack, parts=parts, resets=tuple(map(reset, stack.resets)))

    def lacks(self, stack: Stack) -> list[str]:
        """Return the modules that run this stack's applications and are not in this commit."""
        commands = [
            *(part.command for part in stack.parts if part.kind == "app"),
            *(one.command for one in stack.resets),
        ]
        modules = dict.fromkeys(command[2] for command in commands if command[:2] == PYTHON)
        return [name for name in modules if not self._has(name)]

    def _has(self, module: str) -> bool:
        path = Path(self.folder, *module.split("."))
        packages = [folder for folder in path.parents if folder.is_relative_to(self.folder)][:-1]
        # A folder that is no package would give way to the package of the same name that is here.
        is_whole = all((folder / "__init__.py").is_file() for folder in packages)
        return is_whole and (path.with_suffix(".py").is_file() or (path / "__main__.py").is_file())

    def _command(self, command: tuple[str, ...]) -> tuple[str, ...]:
        return (self.python, *command[1:]) if command[:2] == PYTHON else command
