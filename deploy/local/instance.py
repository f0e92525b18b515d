"""One replica of a part: started, watched, started again when it dies, held down when that is asked for."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Awaitable, Callable

from deploy.local import process
from deploy.local.process import Launch, ProcessIdentity
from deploy.model.errors import DeployError
from deploy.model.parts import Part
from deploy.runner.interface import InstanceStatus
from deploy.runner.readiness import wait_until_ready

FIRST_BACK_OFF_S = 0.2
LONGEST_BACK_OFF_S = 5.0
STEADY_AFTER_S = 10.0  # who lived this long starts at the first back-off again
GRACE_S = 10.0
FATAL_DEATHS = 2  # while the stack comes up


class Instance:
    """A replica's life. `run` is its only loop; all other methods steer it."""

    def __init__(
        self,
        part: Part,
        replica: int,
        prepare: Callable[[], Launch],
        changed: Callable[[Instance], None],
    ) -> None:
        self.part = part
        self.replica = replica
        self.name = part.instance(replica)
        self.state = "waiting"
        self.draining = False
        self.restarts = 0
        self.identity: ProcessIdentity | None = None
        self._prepare = prepare
        self._changed = changed
        self._process: asyncio.subprocess.Process | None = None
        self._may_run = asyncio.Event()
        self._may_run.set()
        self._hurry = asyncio.Event()
        self._ready = asyncio.Event()
        self._ended = asyncio.Event()
        self._ending = False
        self._was_ready = False
        self._paused = False
        self._trouble = ""
        self._early_deaths = 0
        # PostgreSQL's "fast": with SIGTERM it would wait until the last client has gone.
        self._stop_signal = signal.SIGINT if part.kind == "postgres" else signal.SIGTERM

    async def run(self, after: Awaitable[None] | None = None) -> None:
        """Keep the replica running until `end`; `after` is what must be ready before its first start."""
        if after is not None:
            await self._first(after)
        back_off_s = FIRST_BACK_OFF_S
        while not self._ending:
            await self._may_run.wait()
            if self._ending:
                break
            self._hurry.clear()
            began = time.monotonic()
            await self._live_once()
            if self._ending or not self._may_run.is_set() or self._hurry.is_set():
                back_off_s = FIRST_BACK_OFF_S
                continue
            if time.monotonic() - began > STEADY_AFTER_S:
                back_off_s = FIRST_BACK_OFF_S
            self._set("backing off")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), back_off_s)
            back_off_s = min(2 * back_off_s, LONGEST_BACK_OFF_S)
        self._set("stopped")
        self._ended.set()

    async def wait_ready(self) -> None:
        """Return when the replica is ready."""
        await self._ready.wait()

    async def end(self) -> None:
        """Stop gracefully, and for good."""
        self._ending = True
        self._may_run.set()
        self._hurry.set()
        await self._stop()
        await self._ended.wait()

    def kill(self) -> None:
        """Kill -9 everything of the replica; `run` starts it again."""
        if self._process is not None:
            process.signal_all(self._process.pid, signal.SIGKILL)

    async def hold(self, *, kill: bool) -> None:
        """Stop, and stay down until `release`."""
        self._may_run.clear()
        self._hurry.set()
        if kill:
            self.kill()
        await self._stop()
        self._set("held")

    def release(self) -> None:
        """Start at once, if held or backing off."""
        self._may_run.set()
        self._hurry.set()

    def pause(self, *, on: bool) -> None:
        """Freeze, or let go on."""
        if self._process is None:
            return
        process.signal_all(self._process.pid, signal.SIGSTOP if on else signal.SIGCONT)
        self._paused = on
        self._set("paused" if on else ("ready" if self._ready.is_set() else "starting"))

    async def restart(self) -> None:
        """Stop gracefully and start again without a back-off."""
        self.release()
        self._ready.clear()
        await self._stop()
        await self.wait_ready()

    def status(self) -> InstanceStatus:
        """Say how the replica is."""
        return InstanceStatus(
            instance=self.name,
            part=self.part.name,
            state=self.state,
            pid=self._process.pid if self._process else None,
            ports={name: port + self.replica for name, port in self.part.ports.items()},
            restarts=self.restarts,
            trouble=self._trouble,
            fatal=self._early_deaths >= FATAL_DEATHS,
        )

    @property
    def pid(self) -> int | None:
        """The leader's process number while it lives."""
        return self._process.pid if self._process else None

    @property
    def serving(self) -> bool:
        """Whether requests should be sent here. A frozen replica still is: nobody has noticed yet."""
        return self._ready.is_set() and not self.draining

    async def _first(self, after: Awaitable[None]) -> None:
        """Wait for `after`, unless we are told to end."""
        waits = {asyncio.ensure_future(after), asyncio.ensure_future(self._hurry.wait())}
        _, pending = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in pending:
            wait.cancel()

    async def _live_once(self) -> None:
        """Start, wait until it is ready, and return when it has ended and nothing of it is left."""
        self._set("starting")
        try:
            launch = await asyncio.to_thread(self._prepare)
            child = await process.start(launch)
        except (DeployError, OSError) as error:
            self._died(str(error))
            return
        self._process = child
        self.identity = ProcessIdentity.of(child.pid)
        self._set("starting")
        if self._ending or not self._may_run.is_set():  # told to stop while we were starting
            process.signal_all(child.pid, signal.SIGKILL)
        ready = asyncio.create_task(wait_until_ready(self.part, self.replica))
        ended = asyncio.create_task(child.wait())
        await asyncio.wait({ready, ended}, return_when=asyncio.FIRST_COMPLETED)
        if not ended.done():
            self._was_ready, self._trouble = True, ""
            self._ready.set()
            self._set("ready")
        status = await ended
        ready.cancel()
        process.signal_all(child.pid, signal.SIGKILL)  # workers outlive a master that was killed
        self._ready.clear()
        self._paused = False
        self._process = self.identity = None
        self._died(f"ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}")

    def _died(self, why: str) -> None:
        if self._ending or not self._may_run.is_set():
            return
        self._trouble = why
        self.restarts += 1
        self._early_deaths += not self._was_ready
        self._set("backing off")

    async def _stop(self) -> None:
        child = self._process
        if child is None:
            return
        if self._paused:
            process.signal_all(child.pid, signal.SIGCONT)
        self._set("stopping")
        with contextlib.suppress(ProcessLookupError):
            child.send_signal(self._stop_signal)
        try:
            await asyncio.wait_for(child.wait(), GRACE_S)
        except TimeoutError:
            process.signal_all(child.pid, signal.SIGKILL)
            await child.wait()

    def _set(self, state: str) -> None:
        self.state = state
        self._changed(self)
