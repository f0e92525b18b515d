"""py-spy beside every Python process of a build, all at once; it looks from outside and changes nothing in them."""

from __future__ import annotations

import subprocess
import sysconfig
from collections import Counter
from pathlib import Path

from deploy.model.errors import DeployError
from deploy.runner.interface import Runner
from loadtests.profiling.flames import Stack, read_collapsed

PY_SPY = Path(sysconfig.get_path("scripts")) / "py-spy"
RATE_HZ = 250
ENDS_WITHIN_S = 20.0  # after its time, to write what it has
# A process is not stopped while it is read: that would wake each of its threads with every sample, and who was woken
# looks busy. Only who holds the interpreter's lock counts: whoever waits for a core seems to run, too.
OPTIONS = ("--subprocesses", "--nonblocking", "--gil", "--function", "--format", "raw", "--rate", str(RATE_HZ))
REFUSALS = ("Permission Denied", "Permission denied", "requires root", "Operation not permitted")
NOT_ALLOWED = (
    "py-spy may not look into other processes here. On Linux `sudo sysctl kernel.yama.ptrace_scope=0` allows it until "
    "the next start, and a container needs the capability SYS_PTRACE; on macOS run `sudo .venv/bin/twinshop profile`."
)


def sample(runner: Runner, folder: Path, seconds: int) -> dict[str, Counter[Stack]]:
    """Sample all Python processes of a stack for this long, and return how often each stack was seen, by part.

    Raises DeployError where py-spy fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    samplers = [(part, pid, _start(pid, folder, seconds)) for part, pid in _python_processes(runner)]
    counts: dict[str, Counter[Stack]] = {}
    try:
        for part, pid, sampler in samplers:
            output, _ = sampler.communicate(timeout=seconds + ENDS_WITHIN_S)
            if sampler.returncode:
                refused = any(words in output for words in REFUSALS)
                raise DeployError(NOT_ALLOWED if refused else f"py-spy failed at {part}:\n{output[-2000:]}")
            counts.setdefault(part, Counter()).update(read_collapsed(_out(folder, pid).read_text("utf-8")))
    finally:
        for _, _, sampler in samplers:
            sampler.kill()  # where it has ended this does nothing
            sampler.wait()
    return counts


def _python_processes(runner: Runner) -> list[tuple[str, int]]:
    """Return (part, process id) of every replica that is written in Python."""
    return [
        (one.part, one.pid)
        for one in runner.status().instances
        if one.pid and runner.stack.part(one.part).command[0] == "python"
    ]


def _start(pid: int, folder: Path, seconds: int) -> subprocess.Popen[str]:
    where = ("--duration", str(seconds), "--pid", str(pid), "--output", str(_out(folder, pid)))
    return subprocess.Popen(
        [str(PY_SPY), "record", *OPTIONS, *where], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def _out(folder: Path, pid: int) -> Path:
    return folder / f"{pid}.txt"
