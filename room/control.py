"""The control room without its looks: samples, events, runs of commands and books, and what every open page is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from deploy.faults import notes
from deploy.local.runner import LocalRunner
from deploy.model.home import Home
from loadtests.measure.verdict import PROMISES
from room import books, drawing
from room.actions import Actions, CommandRun
from room.events import EventLog, StateChanges
from room.narration import Fault, Narrator, Story, faults_on
from room.samples import Sample, Sampler

PAIR = ("monolith", "microservices")
RUNS_SHOWN = 4
LINES_SHOWN = 6
REST_S = 2.0  # after a load, before the books are looked at

Message = dict[str, Any]


class ControlRoom:
    """One for the process; pages come and go. `tell` of each page is called in the event loop."""

    def __init__(self) -> None:
        self.home = Home.from_environment()
        self.runners = {name: LocalRunner(name) for name in PAIR}
        self.events = EventLog(self.home.root / "room" / "events.jsonl")
        self.actions = Actions(self.events)
        self.pages: set[Callable[[Message], None]] = set()
        self.sampler = Sampler(self.runners, self._on_sample)
        self.faults: list[Fault] = []
        self.story: Story = {}
        self._narrator = Narrator()
        self._changes = StateChanges()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._last_messages: dict[str, str] = {}
        self._waiting: set[asyncio.Task[None]] = set()
        self.events.listeners.append(lambda event: self._tell({"events": [event]}))

    async def start(self) -> None:
        """Begin to look."""
        self._loop = asyncio.get_running_loop()
        self.sampler.start()

    async def stop(self) -> None:
        """End what still runs, faults and load included, and look no more."""
        self.sampler.stop()
        await self.actions.stop_all()
        self.events.close()

    def whole(self) -> Message:
        """Return what a page needs that has just been opened."""
        return {
            "drawings": {name: drawing.of(name) for name in PAIR},
            "promises": PROMISES,
            "samples": list(self.sampler.samples),
            "events": list(self.events.items),
            "story": self.story,
            "books": self.books(),
            "runs": self._runs(),
        }

    def missing(self, sample: int, event: int) -> Message:
        """Return what a page lacks that has everything before this sample and this event."""
        return {
            "samples": [each for each in self.sampler.samples if each["n"] >= sample],
            "events": self.events.items[event:],
        }

    async def run(self, *arguments: str, stack: str = "") -> CommandRun:
        """Run a `twinshop` command; after a load has ended by itself or by hand, look at the books."""
        run = await self.actions.run(*arguments, stack=stack)
        if run.name == "load" and not self.actions.running("load") and self._loop is not None:
            task = self._loop.create_task(self._close_books())
            self._waiting.add(task)
            task.add_done_callback(self._waiting.discard)
        if run.name == "books":
            self._tell({"books": self.books()})
        return run

    async def _close_books(self) -> None:
        await asyncio.sleep(REST_S)
        while self.actions.running():  # a fault, or something that heals: the shop is not at rest
            if self.actions.running("load"):
                return  # the end of that one brings us here again
            await asyncio.sleep(REST_S)
        await self.run("books")

    def _on_sample(self, sample: Sample) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._broadcast, sample)

    def _broadcast(self, sample: Sample) -> None:
        for name, watch in self.sampler.watches.items():
            for text, good in self._changes.of(name, watch.states):
                self.events.add("seen", text, stack=name, good=good)
        self.faults = faults_on(notes.current(self.home))
        states = {name: watch.states for name, watch in self.sampler.watches.items()}
        self.story = self._narrator.tell(sample["at"], self.faults, sample["stacks"], states)
        sample["broken"] = bool(self.faults)
        message: Message = {"samples": [sample], "story": self.story}
        for what, value in (("runs", self._runs()), ("books", self.books())):
            written = json.dumps(value)
            if self._last_messages.get(what) != written:  # most seconds nothing has changed
                self._last_messages[what] = written
                message[what] = value
        self._tell(message)

    def _tell(self, message: Message) -> None:
        for tell in list(self.pages):
            tell(message)

    def _runs(self) -> list[dict[str, Any]]:
        return [
            {
                "command": run.command,
                "name": run.name,
                "status": 0 if run.stopped and run.status is not None else run.status,
                "share": run.share,
                "doing": run.doing,
                "lines": list(run.lines)[-LINES_SHOWN:],
                "report": report_of(run),
            }
            for run in list(self.actions.runs)[-RUNS_SHOWN:]
        ]

    def books(self) -> dict[str, Any]:
        """Return the last outcome of each shop's books, as far as there is one."""
        checking = bool(self.actions.running("books"))
        state: dict[str, Any] = {"checking": checking}
        for name in PAIR:
            path = books.file_of(self.home, name)
            if path.exists():
                content = json.loads(path.read_text("utf-8"))
                broken = sorted({violation["promise"] for violation in content["violations"]})
                state[name] = {"at": content["at"] * 1000, "looked_at": content["looked_at"], "broken": broken,
                               "confirmed": content["confirmed"], "waited_s": content["waited_s"]}  # fmt: skip
        return state


def report_of(run: CommandRun) -> str:
    """Return the address of the report that a command has written, on this server; empty if it wrote none."""
    for line in reversed(run.lines):
        if line.startswith("Report:"):
            return "/reports/" + "/".join(line.split("/")[-2:])
    return ""
