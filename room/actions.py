"""Does what the page's controls say: runs `twinshop` commands, so that what is shown is what is run."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shlex
import signal
import sys
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from deploy.model.home import REPOSITORY
from room.events import EventLog

KEPT_LINES = 200
END_TIMEOUT_S = 35.0  # a game day heals, ends its loads and lets go what it led
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
PROGRESS = re.compile(r"[━╸╺].*?(\d+)/(\d+|\?)")
BAR = re.compile(r"[━╸╺]|-:--:--|\d:\d\d:\d\d")  # a line of a progress bar, with or without figures


def command_line(arguments: Sequence[str]) -> str:
    """Return the command as one types it."""
    return shlex.join(["twinshop", *arguments])


@dataclass
class CommandRun:
    """A command that runs or ran. `status` is None while it runs; `share` is how far it says it is, 0..1."""

    arguments: tuple[str, ...]
    stack: str
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT_LINES))
    status: int | None = None
    share: float | None = None
    doing: str = ""
    stopped: bool = False
    process: asyncio.subprocess.Process | None = field(default=None, repr=False)
    ended: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    @property
    def command(self) -> str:
        """The command as one types it."""
        return command_line(self.arguments)

    @property
    def name(self) -> str:
        """The command's own name: `kill`, `load`."""
        return self.arguments[0]


class Actions:
    """Starts commands, follows their output, and ends what still runs when the room closes."""

    def __init__(self, events: EventLog) -> None:
        self.events = events
        self.runs: deque[CommandRun] = deque(maxlen=100)
        self.listeners: list[Callable[[], None]] = []

    def running(self, name: str = "") -> list[CommandRun]:
        """Return the runs that are under way, all or those of one command."""
        return [run for run in self.runs if run.status is None and name in ("", run.name)]

    async def run(self, *arguments: str, stack: str = "") -> CommandRun:
        """Run a command to its end. Its begin is an event, and its end too if it failed or lasted."""
        run = CommandRun(arguments, stack)
        self.runs.append(run)
        self.events.add("did", run.command, stack=stack)
        self._tell()
        run.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "twinshop.cli", *arguments,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            cwd=REPOSITORY, start_new_session=True, limit=1 << 20,
            env=os.environ | {"TTY_COMPATIBLE": "1", "TTY_INTERACTIVE": "1", "COLUMNS": "160", "NO_COLOR": "1"},
        )  # fmt: skip
        await self._follow(run)
        status = await run.process.wait()
        run.status = status
        run.ended.set()
        lasting = run.name in ("load", "fault", "experiment", "demo", "bench", "gameday")
        if status and not run.stopped:
            last_line = next((line for line in reversed(run.lines) if line), "")
            self.events.add("end", f"{run.command} failed: {last_line}", stack=stack, good=False)
        elif lasting:
            self.events.add("end", f"{run.name} ended", stack=stack)
        self._tell()
        return run

    async def stop(self, run: CommandRun) -> None:
        """Let a command end as Ctrl-C would: a fault heals, a load writes its figures."""
        run.stopped = True
        if run.process is None or run.status is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            run.process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(END_TIMEOUT_S):
                await run.ended.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                run.process.kill()

    async def stop_all(self, name: str = "") -> None:
        """End what is under way, all or one kind of command."""
        await asyncio.gather(*(self.stop(run) for run in self.running(name)))

    async def _follow(self, run: CommandRun) -> None:
        assert run.process is not None
        assert run.process.stdout is not None
        rest = ""
        while chunk := await run.process.stdout.read(65536):
            text = ESCAPES.sub("", rest + chunk.decode("utf-8", errors="replace"))
            *whole, rest = re.split(r"[\r\n]+", text)
            for line in whole:
                self.note(run, line.rstrip())
            self._tell()
        self.note(run, rest.rstrip())

    @staticmethod
    def note(run: CommandRun, line: str) -> None:
        """Keep a line of a command's output, or how far its progress bar is."""
        if match := PROGRESS.search(line):
            count, whole = int(match[1]), match[2]
            run.share = count / int(whole) if whole not in ("0", "?") else None  # some steps are counted later
            run.doing = re.split("[━╸╺]", line, maxsplit=1)[0].strip(" ⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")
        elif line and not BAR.search(line) and (not run.lines or run.lines[-1] != line):
            run.lines.append(line)

    def _tell(self) -> None:
        for listener in self.listeners:
            listener()
