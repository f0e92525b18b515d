"""Runs a program of this machine to its end, for what it writes."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.model.errors import DeployError, MissingProgram

WORDS = 6  # of a command, in a message


def output_of(
    command: Sequence[str], timeout_s: float, *, stdin: str = "", environment: Mapping[str, str] | None = None,
    folder: Path | None = None, with_errors: bool = False, missing: str = "install it.",
) -> str:  # fmt: skip
    """Return what a program writes; `with_errors`: on its standard error, too. `missing` says what to do without it.

    Raises MissingProgram, or DeployError with the end of what it wrote: it ended with another status than 0, or late.
    """
    errors = subprocess.STDOUT if with_errors else subprocess.PIPE
    name = " ".join(command[:WORDS])
    try:
        process = subprocess.run(
            command, input=stdin.encode(), env=environment, cwd=folder, timeout=timeout_s, check=False,
            stdout=subprocess.PIPE, stderr=errors,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise MissingProgram(f"There is no `{command[0]}` command: {missing}") from error
    except subprocess.TimeoutExpired as error:
        raise DeployError(f"`{name}` took longer than {timeout_s:.0f} s.") from error
    output = process.stdout.decode(errors="replace")  # not as text, which would change the ends of lines
    if process.returncode != 0:
        complaint = (process.stderr or process.stdout).decode(errors="replace").strip()
        raise DeployError(f"`{name}` failed:\n{complaint[-2000:]}")
    return output
