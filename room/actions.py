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


def shown(arguments: Sequence[str]) -> str:
    """Return the command as one types it."""
    return shlex.join(["twinshop", *arguments])


@dataclass
class Deed:
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
        return shown(self.arguments)

    @property
    def name(self) -> str:
        """The command's own name: `kill`, `load`."""
        return self.arguments[0]


class Actions:
    """Starts commands, follows their output, and ends what still runs when the room closes."""

    def __init__(self, events: EventLog) -> None:
        self.events = events
        self.deeds: deque[Deed] = deque(maxlen=100)
        self.listeners: list[Callable[[], None]] = []

    def running(self, name: str = "") -> list[Deed]:
        """Return the deeds that are under way, all or those of one command."""
        return [deed for deed in self.deeds if deed.status is None and name in ("", deed.name)]

    async def do(self, *arguments: str, stack: str = "") -> Deed:
        """Run a command to its end. Its begin is an event, and its end too if it failed or lasted."""
        deed = Deed(arguments, stack)
        self.deeds.append(deed)
        self.events.add("did", deed.command, stack=stack)
        self._tell()
        deed.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "twinshop.cli", *arguments,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            cwd=REPOSITORY, start_new_session=True, limit=1 << 20,
            env=os.environ | {"TTY_COMPATIBLE": "1", "TTY_INTERACTIVE": "1", "COLUMNS": "160", "NO_COLOR": "1"},
        )  # fmt: skip
        await self._follow(deed)
        status = await deed.process.wait()
        deed.status = status
        deed.ended.set()
        lasting = deed.name in ("load", "fault", "experiment", "demo", "bench", "gameday")
        if status and not deed.stopped:
            said = next((line for line in reversed(deed.lines) if line), "")
            self.events.add("end", f"{deed.command} failed: {said}", stack=stack, good=False)
        elif lasting:
            self.events.add("end", f"{deed.name} ended", stack=stack)
        self._tell()
        return deed

    async def stop(self, deed: Deed) -> None:
        """Let a command end as Ctrl-C would: a fault heals, a load writes its figures."""
        deed.stopped = True
        if deed.process is None or deed.status is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            deed.process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(END_TIMEOUT_S):
                await deed.ended.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                deed.process.kill()

    async def stop_all(self, name: str = "") -> None:
        """End what is under way, all or one kind of command."""
        await asyncio.gather(*(self.stop(deed) for deed in self.running(name)))

    async def _follow(self, deed: Deed) -> None:
        assert deed.process is not None
        assert deed.process.stdout is not None
        rest = ""
        while chunk := await deed.process.stdout.read(65536):
            text = ESCAPES.sub("", rest + chunk.decode("utf-8", errors="replace"))
            *whole, rest = re.split(r"[\r\n]+", text)
            for line in whole:
                self.note(deed, line.rstrip())
            self._tell()
        self.note(deed, rest.rstrip())

    @staticmethod
    def note(deed: Deed, line: str) -> None:
        """Keep a line of a command's output, or how far its progress bar is."""
        if found := PROGRESS.search(line):
            done, whole = int(found[1]), found[2]
            deed.share = done / int(whole) if whole not in ("0", "?") else None  # some steps are counted later
            deed.doing = re.split("[━╸╺]", line, maxsplit=1)[0].strip(" ⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")
        elif line and not BAR.search(line) and (not deed.lines or deed.lines[-1] != line):
            deed.lines.append(line)

    def _tell(self) -> None:
        for listener in self.listeners:
            listener()
