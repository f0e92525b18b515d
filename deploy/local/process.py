"""Operating-system processes: started in a group of their own, found with all their children, signalled together."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from deploy.model.home import MARK

MAX_LOG_BYTES = 20 << 20  # of a log; the one before it is kept too
OLD_LOG = ".old.log"
CREATE_TIME_SLACK_S = 1.0


@dataclass(frozen=True)
class Launch:
    """All that is needed to start a process. `user` is a name, only ever set when we are root."""

    command: tuple[str, ...]
    environment: Mapping[str, str]
    folder: Path
    log: Path
    user: str | None = None
    group: int | None = None


@dataclass(frozen=True)
class ProcessIdentity:
    """A process that cannot be mistaken for a later one with the same number."""

    pid: int
    created: float  # seconds since the epoch

    @classmethod
    def of(cls, pid: int) -> ProcessIdentity | None:
        """Return the identity of a live process, or None if there is none."""
        try:
            return cls(pid, psutil.Process(pid).create_time())
        except psutil.NoSuchProcess:
            return None

    def alive(self) -> psutil.Process | None:
        """Return the process if it is still this one, and no zombie."""
        try:
            process = psutil.Process(self.pid)
            if abs(process.create_time() - self.created) > CREATE_TIME_SLACK_S:
                return None
            return None if process.status() == psutil.STATUS_ZOMBIE else process
        except psutil.NoSuchProcess:
            return None


def rotate_logs(folder: Path, max_bytes: int = MAX_LOG_BYTES) -> None:
    """Put aside, in place of what was put aside before, each log that is larger. Raises OSError.

    A process writes on into the file that it was given, at its end. So the file is copied and emptied; a line that is
    written between the two is lost.
    """
    for log in folder.glob("*.log"):
        if not log.name.endswith(OLD_LOG) and log.stat().st_size > max_bytes:
            shutil.copyfile(log, log.with_suffix(OLD_LOG))
            os.truncate(log, 0)


async def start(launch: Launch) -> asyncio.subprocess.Process:
    """Start a process as the leader of a new session, its output appended to its log.

    A group of its own, because `kill -9` of a server leaves its workers behind otherwise.
    """
    with launch.log.open("ab") as log:
        return await asyncio.create_subprocess_exec(
            *launch.command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=dict(launch.environment),
            cwd=launch.folder,
            start_new_session=True,
            user=launch.user,
            group=launch.group,
            extra_groups=() if launch.user else None,
        )


def spawn(command: list[str], environment: Mapping[str, str], log: Path) -> int:
    """Start a process that outlives us, and return its number. It leaves our session by itself (see supervisor.py)."""
    append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    files = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(log), append, 0o644),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    return os.posix_spawn(command[0], command, {**os.environ, **environment}, file_actions=files)


def tree(leader: int) -> list[psutil.Process]:
    """Return a leader and all its descendants; those that have left its group (PostgreSQL's do) are among them."""
    try:
        process = psutil.Process(leader)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def trees(leaders: Iterable[int]) -> dict[int, list[psutil.Process]]:
    """Return the trees of many leaders, from one look at the process table: a look for each would cost more CPU."""
    children: dict[int, list[psutil.Process]] = {}
    by_pid: dict[int, psutil.Process] = {}
    for process in psutil.process_iter(["ppid"]):
        by_pid[process.pid] = process
        children.setdefault(process.info["ppid"], []).append(process)
    whole: dict[int, list[psutil.Process]] = {}
    for leader in leaders:
        members = [by_pid[leader]] if leader in by_pid else []
        for member in members:  # grows while we go through it
            members.extend(children.get(member.pid, ()))
        whole[leader] = members
    return whole


def signal_all(leader: int, number: signal.Signals) -> None:
    """Send a signal to the leader, its group and all its descendants.

    The descendants are read before, as killing the leader orphans them, and again after, as a
    process may have been born in between.
    """
    before = tree(leader)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)
    reached = {process.pid for process in before if in_group(process.pid, leader)}
    for process in {*before, *tree(leader)}:
        if process.pid not in reached:
            with contextlib.suppress(psutil.Error):
                process.send_signal(number)


def in_group(pid: int, group: int) -> bool:
    """Whether a process belongs to a group."""
    try:
        return os.getpgid(pid) == group
    except (ProcessLookupError, PermissionError):
        return False


def descendants_of(folder: Path) -> list[psutil.Process]:
    """Return every process that was started for a stack's folder, whoever is its parent now.

    By the mark in its environment; PostgreSQL overwrites its environment to show what it is doing,
    but works in its data folder.
    """
    descendants = []
    for process in psutil.process_iter(["name"]):
        with contextlib.suppress(psutil.Error, OSError):
            if process.info["name"] == "postgres":
                ours = Path(process.cwd()).is_relative_to(folder)
            else:
                ours = process.environ().get(MARK) == str(folder)
            if ours and process.pid != os.getpid():
                descendants.append(process)
    return descendants


def end(processes: Sequence[psutil.Process], wait_s: float = 5.0) -> list[psutil.Process]:
    """Kill processes and wait until they are gone; return those that are not."""
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.kill()
    _, survivors = psutil.wait_procs(processes, timeout=wait_s)
    return [process for process in survivors if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


def pin(processes: Iterable[psutil.Process], cores: Iterable[int]) -> None:
    """Bind every thread of these processes to `cores`. Linux only: `can_pin` tells."""
    numbers = set(cores)
    for process in processes:
        with contextlib.suppress(psutil.Error, ProcessLookupError, PermissionError):
            for thread in process.threads():
                with contextlib.suppress(ProcessLookupError):
                    os.sched_setaffinity(thread.id, numbers)


def can_pin() -> bool:
    """Whether this system can bind processes to cores."""
    return hasattr(os, "sched_setaffinity")
