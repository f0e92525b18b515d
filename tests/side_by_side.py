"""Runs the shards of the tests side by side: python -m tests.side_by_side [--jobs N] [--slowest N] [--containers]

Each shard is a pytest of its own, with a folder for temporary files and a block of ports that no other has. A process
that has ended a shard takes the next one. A few tests that failed run once more at the end, with nothing beside them:
what a busy machine did to them is told apart from what is broken, and both are said. The output of a shard that failed
is shown whole, after all others; the last line counts the tests of all shards. Ctrl-C and SIGTERM stop every shard,
which stops what it has started.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from deploy.model.home import REPOSITORY
from tests.ports import ARMS_SHIFT, SESSION_WIDTH, VARIABLE, checked_session_shift
from tests.results import Results
from tests.shards import CONTAINER_SHARDS, SHARDS, Shard

MOST_JOBS = 5  # so many blocks of ports are below those of the system
MOST_CONTAINER_JOBS = 2  # both builds need a dozen networks, and an engine has addresses for about thirty
LOOK_EVERY_S = 0.1
STOP_WITHIN_S = 60.0  # a shard that is interrupted stops its stacks first
LONGEST_S = 1200.0  # several times the longest shard on a busy machine: one that takes more than this hangs
MOST_SECOND_TRIES = 5  # of a shard: where more have failed, it is not for want of a processor
NICENESS = 5  # a third of the processor's time where a shard that measures time wants it, too
INTERRUPTED = 130


@dataclass
class Running:
    """A shard that runs. Its output and results are files in a folder of its own."""

    shard: Shard
    slot: int
    folder: Path
    process: subprocess.Popen[bytes]
    started: float = field(default_factory=time.monotonic)

    @classmethod
    def start(cls, shard: Shard, slot: int, folder: Path, *options: str) -> Running:
        """Start it, in a process group of its own: a Ctrl-C reaches it only through us, and only once."""
        temporary = folder / "tmp"
        temporary.mkdir(parents=True)
        shift = checked_session_shift(str(ARMS_SHIFT + slot * SESSION_WIDTH))
        command = [
            *(() if shard.measures_time else ("nice", "-n", str(NICENESS))),
            sys.executable, "-m", "pytest", "-q", f"--junitxml={folder / 'results.xml'}",
            "-o", f"cache_dir={folder.parent / f'cache of {shard.name}'}", *shard.arguments, *options,
        ]  # fmt: skip
        settings = {**shard.environment, VARIABLE: str(shift), "TMPDIR": str(temporary), "PYTHONFAULTHANDLER": "1"}
        with (folder / "output").open("wb") as output:
            process = subprocess.Popen(
                command, cwd=REPOSITORY, env=os.environ | settings,
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip
        return cls(shard, slot, folder, process)

    def results(self) -> Results:
        """Return what came of it, once it has ended."""
        output = (self.folder / "output").read_text("utf-8", errors="replace")
        took_s = time.monotonic() - self.started
        return Results.read(self.folder / "results.xml", self.process.returncode, output, took_s)

    def interrupt(self) -> None:
        """Do to it, and to what it runs, what Ctrl-C does in a terminal."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)

    def kill(self) -> None:
        """End it at once; its output then says where each of its threads was."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGABRT)  # see PYTHONFAULTHANDLER
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=5)
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class Interrupted(Exception):
    """Somebody has sent SIGINT or SIGTERM."""


def run(
    shards: Sequence[Shard], jobs: int, root: Path, longest_s: float, *options: str, folders: str = ""
) -> dict[Shard, Results]:
    """Run all shards, `jobs` at a time; return their results. Raises Interrupted, when all have stopped.

    A shard that takes longer than `longest_s` is killed, and has failed. `folders` begins the names of their folders.
    """
    waiting, running = list(shards), list[Running]()
    finished: dict[Shard, Results] = {}
    try:
        while waiting or running:
            for ended in [one for one in running if one.process.poll() is not None]:
                running.remove(ended)
                finished[ended.shard] = ended.results()
                results = finished[ended.shard]
                print(
                    f"[{len(finished)}/{len(shards)}] {ended.shard.name}: {results}, {results.took_s:.0f} s", flush=True
                )
            for hanging in [one for one in running if time.monotonic() - one.started > longest_s]:
                hanging.kill()
                _end_leftovers(hanging.folder)
            while waiting and len(running) < jobs:
                slot = min(set(range(jobs)) - {one.slot for one in running})
                folder = root / f"{folders}{len(shards) - len(waiting)}"
                running.append(Running.start(waiting.pop(0), slot, folder, *options))
            time.sleep(LOOK_EVERY_S)
    finally:
        _stop(running)
        _end_leftovers(root)
    return finished


def run_again(first: dict[Shard, Results], root: Path, longest_s: float) -> dict[Shard, Results]:
    """Run the tests that failed in a shard once more, one shard at a time; return the results of all. As `run`."""
    few = [
        shard for shard, results in first.items()
        if results.is_failed and not results.has_broken_off and results.failed <= MOST_SECOND_TRIES
    ]  # fmt: skip
    if few:
        print("Once more, alone, what failed beside others:", flush=True)
    options = ("--last-failed", "--last-failed-no-failures=none")
    second = run(few, 1, root, longest_s, *options, folders="again-")
    return first | {shard: first[shard].with_second_try(results) for shard, results in second.items()}


def _stop(running: Sequence[Running]) -> None:
    for one in running:
        one.interrupt()
    deadline = time.monotonic() + STOP_WITHIN_S
    while any(one.process.poll() is None for one in running) and time.monotonic() < deadline:
        time.sleep(LOOK_EVERY_S)
    for one in running:
        one.kill()


def _end_leftovers(folder: Path) -> None:
    """Kill whatever still has its temporary files below a folder: a shard that was killed could not do it."""
    for process in psutil.process_iter():
        try:
            if process.environ().get("TMPDIR", "").startswith(f"{folder}/"):
                process.kill()
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue


@contextmanager
def _interruptible() -> Iterator[None]:
    """Raise Interrupted at the first SIGINT or SIGTERM. Whoever is impatient cannot keep the shards from stopping."""

    def interrupt(number: int, _: object) -> None:
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.SIG_IGN)
        raise Interrupted(signal.Signals(number).name)

    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, interrupt)
    yield


def main(shards: Sequence[Shard] | None = None) -> int:
    """Run the tests; return the exit status: 0 if all have passed, 1 if not, 130 if somebody stopped them."""
    cores = len(psutil.Process().cpu_affinity()) if hasattr(psutil.Process, "cpu_affinity") else os.cpu_count() or 1
    parser = argparse.ArgumentParser(prog="python -m tests.side_by_side", description=(__doc__ or "").split(":")[0])
    parser.add_argument("--jobs", type=int, choices=range(1, MOST_JOBS + 1), default=min(2 * cores, MOST_JOBS))
    parser.add_argument("--slowest", type=int, default=0, help="show so many of the slowest tests")
    parser.add_argument("--longest", type=float, default=LONGEST_S, help="a shard that takes longer has failed (s)")
    parser.add_argument("--containers", action="store_true", help="the tests that need a container engine")
    options = parser.parse_args()
    selection = shards or (CONTAINER_SHARDS if options.containers else SHARDS)
    jobs = min(options.jobs, MOST_CONTAINER_JOBS) if options.containers else options.jobs
    root = Path(tempfile.mkdtemp(prefix="twinshop-shards-"))
    root.chmod(0o755)  # PostgreSQL runs as another user where we are root
    try:
        with _interruptible():
            results_of = run_again(run(selection, jobs, root, options.longest), root, options.longest)
    except Interrupted as signal_name:
        print(f"Stopped by {signal_name}.", file=sys.stderr)
        return INTERRUPTED
    finally:
        shutil.rmtree(root, ignore_errors=True)
    return report(results_of, options.slowest)


def report(results_of: dict[Shard, Results], slowest: int) -> int:
    """Print what is to be said about all shards; return the exit status."""
    total = Results.sum(results_of.values())
    for reason in total.reasons:
        print(reason)
    for shard, results in results_of.items():
        if results.is_failed or results.passed_alone:
            print(f"\n==> {shard.name}: {shard} <==\n{results.output}")
    for took_s, test in total.slowest(slowest):
        print(f"{took_s:8.2f} s  {test}")
    for test in total.repeated:
        print(f"ran in more than one shard: {test}")
    print(total, flush=True)
    return int(total.is_failed or bool(total.repeated))


if __name__ == "__main__":
    sys.exit(main())
