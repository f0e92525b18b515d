"""Sends open arrivals to running shops until somebody says stop: `twinshop load`."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.local.runner import LocalRunner
from deploy.model.errors import DeployError, NotRunning
from deploy.model.home import REPOSITORY, Home
from deploy.runner.console import console
from loadtests.load import bounds
from loadtests.load.conditions import SUBJECTS
from loadtests.load.elsewhere import UNSEEN, ShopElsewhere
from loadtests.load.generator.record import FAILED, JourneyTally, Tally
from loadtests.measure.parties import Parties
from loadtests.measure.reconcile import reconcile, tell
from room.generation import generation

EXIT_VOID = 3
END_TIMEOUT_S = 30.0
HISTORY = "orders.jsonl"
GENERATION = "generation"


def folder(home: Home) -> Path:
    """Return where the room keeps what generators write, one folder for each run."""
    return home.root / "room" / "load"


def send(
    stacks: Sequence[str], *, rate: float, mix: str, seconds: float, seed: int, methods: str,
    fail_if: Sequence[str] = (), elsewhere: Sequence[ShopElsewhere] = (),
) -> bool:  # fmt: skip
    """Load each stack, or each shop elsewhere, with the same arrivals.

    Returns whether all bounds held. Raises NotRunning, DeployError.
    """
    with contextlib.ExitStack() as opened:
        away = [Target.elsewhere(opened.enter_context(one.opened())) for one in elsewhere]
        return _send(away or _running(stacks), rate, mix, seconds, seed, methods, fail_if)


def _send(
    shops: Sequence[Target], rate: float, mix: str, seconds: float, seed: int, methods: str, fail_if: Sequence[str]
) -> bool:
    number = time.strftime("%Y%m%d-%H%M%S")
    outs = [folder(Home.from_environment()) / f"{number}-{shop.folder}" for shop in shops]
    processes = []
    try:
        for shop, out in zip(shops, outs, strict=True):
            out.mkdir(parents=True, exist_ok=True)
            if shop.generation:
                (out / GENERATION).write_text(shop.generation)
            arguments = ["--rate", str(rate), "--duration", str(seconds), "--mix", _from_here(mix), "--seed", str(seed)]
            processes.append(_generator(shop, out, [*arguments, "--payment-methods", methods]))
        names = " and ".join(shop.name for shop in shops)
        console.print(f"{rate:g} arrivals/s of the mix {mix} at {names}, for {seconds:g} s; Ctrl-C ends it.")
        for process in processes:
            process.wait()
    except KeyboardInterrupt:
        console.print("Stopping.")
    finally:
        _end(processes)
    held = [
        _say(shop.name, out, process.returncode, fail_if) and _has_right_books(shop, out)
        for shop, out, process in zip(shops, outs, processes, strict=True)
    ]
    if any(shop.is_elsewhere for shop in shops):
        console.print(UNSEEN)
    return all(held)


@dataclass(frozen=True)
class Target:
    """A shop that is loaded. `generation` tells which data a stack of this machine had; '' for a shop elsewhere."""

    name: str
    folder: str
    address: str
    tokens_from: str
    generation: str = ""
    is_elsewhere: bool = False

    @classmethod
    def elsewhere(cls, shop: ShopElsewhere) -> Target:
        """Return a shop that somebody else runs."""
        return cls(shop.address, shop.name, shop.address, shop.tokens_from, is_elsewhere=True)


def _has_right_books(shop: Target, out: Path) -> bool:
    """Read orders back where only that can be done; `twinshop books` checks the stacks of this machine."""
    if not shop.is_elsewhere:
        return True
    outcome, _ = reconcile(Parties.elsewhere(shop.address, shop.tokens_from), out / HISTORY)
    for line in tell(outcome):
        console.print(line, markup=False)
    return outcome.is_clean


def _running(stacks: Sequence[str]) -> list[Target]:
    runners = [LocalRunner(name) for name in stacks if name != "outside"]
    shops = [
        Target(one.stack.name, one.stack.name, one.address, one.site.url("outside", "identity"), generation(one))
        for one in runners
        if one.status().up
    ]
    if not shops:
        raise NotRunning("No shop is up: `twinshop up` first.")
    return shops


def _from_here(mix: str) -> str:
    """Return the mix as the generator, which runs in the repository's folder, finds it."""
    return str(Path(mix).absolute()) if mix.endswith(".json") else mix


def _generator(shop: Target, out: Path, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
    where = ["--host", shop.address, "--tokens-from", shop.tokens_from, "--out", str(out)]
    with (out / "generator.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "loadtests.load.arrivals", *where, *arguments],
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, cwd=REPOSITORY, start_new_session=True,
        )  # fmt: skip


def _end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + END_TIMEOUT_S
    for process in processes:
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _say(stack: str, out: Path, status: int, fail_if: Sequence[str]) -> bool:
    if status not in (0, EXIT_VOID):
        log = (out / "generator.log").read_text("utf-8", errors="replace")
        raise DeployError(f"The load on {stack} failed (status {status}):\n{log[-1500:]}")
    summary = json.loads((out / "summary.json").read_text("utf-8"))
    console.print(
        f"{stack}: {summary['sent']} sent, {summary['orders_confirmed']} orders confirmed, "
        f"{summary['orders'].get('payment_pending', 0)} pending, "
        f"p99 {summary['latency_ms']['p99']:.0f} ms, {100 * summary['error_share']:.2f} % errors"
        f"{' (void: ' + '; '.join(summary['void_reasons']) + ')' if summary['void'] else ''}"
    )
    for line in _by_kind(Tally.decode(summary["tally"])):
        console.print(line)
    broken = bounds.broken(fail_if, bounds.of_summary(summary))
    if fail_if and summary["void"]:
        broken.append("the run is void, so it shows nothing")
    for bound in broken:
        console.print(f"{stack}: [red]{bound}[/]")
    return not broken


def _by_kind(tally: Tally) -> list[str]:
    """Return a line for orders and one for browsing, where there were both: one may hide what the other meets."""
    lines = []
    for kind in ("orders", "browsing"):
        one = JourneyTally()
        for journey in set(tally.journeys) & {*SUBJECTS[kind]}:
            one.merge(tally.journeys[journey])
        if count := one.latency.count:
            share = sum(one.outcomes[outcome] for outcome in FAILED) / count
            p99_ms = one.latency.percentile(99)
            lines.append(f"  {kind + ':':<9} {count} sent, p99 {p99_ms:.0f} ms, {100 * share:.2f} % errors")
    return lines if len(lines) > 1 else []
