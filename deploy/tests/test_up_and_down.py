"""Coming up and going down, and all that can be in the way."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from deploy.local import postgres
from deploy.local.process import ProcessIdentity, descendants_of
from deploy.local.runner import LocalRunner
from deploy.local.start_lock import StartLock
from deploy.local.state import State
from deploy.model import keys
from deploy.model.errors import FolderTrouble, NotRunning, PortTaken, StartFailed
from deploy.model.home import REPOSITORY, Home
from deploy.tests.asking import ask, eventually
from deploy.tests.stacks import HERE


def folder(runner: LocalRunner, home: Home) -> Path:
    """Where the stack keeps its state."""
    return home.stack(runner.stack.name)


def test_up_makes_every_part_ready_and_down_leaves_nothing(monolith: LocalRunner, home: Home) -> None:
    calls: list[int] = []

    assert monolith.up(watch=lambda status: calls.append(len(status.instances)))
    assert monolith.status().ready
    assert ask(monolith.stack.part("edge").port("http"), "GET", "/products").status == 200
    assert calls[-1] == 3

    assert monolith.down()
    assert descendants_of(folder(monolith, home)) == []
    assert not monolith.status().up
    assert not monolith.down()


def test_second_up_says_that_it_is_up_already(monolith: LocalRunner) -> None:
    assert monolith.up()
    pids = [one.pid for one in monolith.status().instances]

    assert not monolith.up()
    assert [one.pid for one in monolith.status().instances] == pids


@contextmanager
def another_up(home: Home, shift: int, settings: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Another program that starts the same stack, at the same time."""
    environment = {**os.environ, "TWINSHOP_HOME": str(home.root), "TWINSHOP_PORT_SHIFT": str(shift)}
    script = f"""if True:
        import sys
        from twinshop.cli import guard
        from deploy.local.runner import LocalRunner
        runner = LocalRunner("monolith", topology="{HERE}")
        sys.exit(guard(lambda: runner.up({{"web": {settings}}}, timeout_s=5)))
    """
    other = subprocess.Popen([sys.executable, "-c", script], env=environment, cwd=REPOSITORY, stderr=subprocess.DEVNULL)
    try:
        yield other
    finally:
        other.terminate()
        other.wait(20)


@pytest.mark.parametrize("when", ["before its supervisor tells", "while its parts start"])
def test_second_up_waits_for_the_first(monolith: LocalRunner, home: Home, shift: int, when: str) -> None:
    starting = StartLock(folder(monolith, home))
    with another_up(home, shift, {"SLEEP_MS": "1"}) as other:
        if when == "before its supervisor tells":
            eventually(starting.is_held_by_another)
        else:
            eventually(lambda: monolith.status().instances)

        assert not monolith.up()

        assert monolith.status().ready
        assert other.wait(20) == 0


def test_second_up_says_that_the_first_has_failed(monolith: LocalRunner, home: Home, shift: int) -> None:
    with another_up(home, shift, {"REFUSE": "1"}) as other:
        eventually(lambda: monolith.status().up)

        with pytest.raises(StartFailed, match="another command"):
            monolith.up()

        assert other.wait(20) == 1
        assert descendants_of(folder(monolith, home)) == []


def test_second_up_gives_up_after_a_while(monolith: LocalRunner, home: Home, shift: int) -> None:
    with another_up(home, shift, {"UNREADY": "1"}):
        eventually(lambda: monolith.status().up)

        with pytest.raises(StartFailed, match=r"not ready within 1 s: .*web\.0"):
            monolith.up(timeout_s=1)

        assert monolith.status().up  # it is not ours to stop


def test_second_up_does_not_wait_for_what_is_held(monolith: LocalRunner) -> None:
    monolith.up()
    monolith.hold("web")

    assert not monolith.up(timeout_s=1)


def test_second_start_is_quick_and_keeps_the_data(monolith: LocalRunner) -> None:
    url = monolith.stack.part("web").environment["DATABASE_URL"]
    monolith.up()
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (id int)")
    monolith.down()

    began = time.monotonic()
    monolith.up()

    assert time.monotonic() - began < 5
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)


def test_database_wants_the_password(monolith: LocalRunner) -> None:
    url = monolith.stack.part("web").environment["DATABASE_URL"]
    monolith.up()

    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(url.replace("monolith:", "monolith:x"))


def test_taken_port_is_named_with_who_holds_it(monolith: LocalRunner, home: Home) -> None:
    port = monolith.stack.part("edge").port("http")

    with socket.create_server(("127.0.0.1", port)), pytest.raises(PortTaken) as refusal:
        monolith.up()

    assert f"port {port} (edge of monolith) is taken by process {os.getpid()}" in str(refusal.value)
    assert descendants_of(folder(monolith, home)) == []


def test_part_that_dies_while_starting_is_reported_with_its_log(monolith: LocalRunner, home: Home) -> None:
    with pytest.raises(StartFailed) as failure:
        monolith.up({"web": {"REFUSE": "1"}})

    assert "monolith/web.0 ended with status 1" in str(failure.value)
    assert "stand-in: told to refuse" in str(failure.value)
    assert descendants_of(folder(monolith, home)) == []


def test_processes_of_a_killed_supervisor_are_ended_by_down(monolith: LocalRunner, home: Home) -> None:
    monolith.up()
    state = State.read(folder(monolith, home))
    assert state is not None
    os.kill(state.supervisor.pid, signal.SIGKILL)
    eventually(lambda: state.supervisor.alive() is None)
    assert len(descendants_of(folder(monolith, home))) > 3
    with pytest.raises(NotRunning):
        monolith.kill("web")

    assert monolith.down()
    assert descendants_of(folder(monolith, home)) == []


def test_up_clears_what_a_killed_supervisor_left(monolith: LocalRunner, home: Home) -> None:
    monolith.up()
    state = State.read(folder(monolith, home))
    assert state is not None
    os.kill(state.supervisor.pid, signal.SIGKILL)
    eventually(lambda: state.supervisor.alive() is None)

    assert monolith.up()
    assert monolith.status().ready


def test_interrupted_initdb_is_made_good(home: Home, tmp_path: Path, shift: int) -> None:
    fresh_home = Home(home.root / "interrupted")
    half_template = fresh_home.root / ".postgres-template.new" / "data"
    half_data = fresh_home.data("monolith", ".db.new")
    for half in (half_template, half_data):
        half.mkdir(parents=True)
        (half / "PG_VERSION").write_text("18\n")
    runner = LocalRunner("monolith", fresh_home, shift, topology=HERE)

    try:
        assert runner.up()
        with psycopg.connect(runner.stack.part("web").environment["DATABASE_URL"]) as connection:
            assert connection.execute("SELECT current_database()").fetchone() == ("monolith",)
    finally:
        runner.down()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has folders that its database server cannot reach")
def test_database_below_a_folder_that_is_closed_to_others(home: Home, shift: int) -> None:
    closed = home.root / "closed"
    closed.mkdir(mode=0o700)
    runner = LocalRunner("monolith", Home(closed / "home"), shift, topology=HERE)

    try:
        assert runner.up()
        assert not postgres.can_reach(closed, postgres.unprivileged_account())
        assert closed.stat().st_mode & 0o777 == 0o700
    finally:
        runner.down()


def test_folder_that_cannot_be_written_is_named(tmp_path: Path, shift: int) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")

    with pytest.raises(FolderTrouble, match="file"):
        LocalRunner("monolith", Home(blocked / "home"), shift, topology=HERE)


def test_full_disk_is_a_clear_error(monolith: LocalRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: type("Usage", (), {"free": 2**20}))

    with pytest.raises(FolderTrouble, match="Only 1 MB are free"):
        monolith.up()


def test_keys_are_made_once_and_are_private(home: Home) -> None:
    first = keys.ensure(home.keys)

    assert keys.ensure(home.keys) == first
    assert home.keys.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in home.keys.iterdir()} == {0o600}
    assert {path.name for path in home.keys.glob("*.jwk")} == {
        "catalog.jwk", "orders.jwk", "payments.jwk", "notifications.jwk",
    }  # fmt: skip


def test_identity_is_not_fooled_by_a_later_process_of_the_same_number() -> None:
    me = ProcessIdentity.of(os.getpid())
    assert me is not None

    assert me.alive() is not None
    assert replace(me, created=me.created - 60).alive() is None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_while_coming_up_stops_all_that_was_started(
    monolith: LocalRunner, home: Home, shift: int, number: signal.Signals
) -> None:
    environment = {**os.environ, "TWINSHOP_HOME": str(home.root), "TWINSHOP_PORT_SHIFT": str(shift)}
    script = f"""if True:
        import signal, sys
        from twinshop.cli import guard
        from deploy.local.runner import LocalRunner
        # What is started in the background of a script is started with Ctrl-C turned off.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        runner = LocalRunner("monolith", topology="{HERE}")
        sys.exit(guard(lambda: runner.up({{"web": {{"UNREADY": "1"}}}})))
    """
    shell = subprocess.Popen(
        [sys.executable, "-c", script],
        env=environment, cwd=REPOSITORY, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    eventually(lambda: len(descendants_of(folder(monolith, home))) > 3)

    shell.send_signal(number)

    assert shell.wait(20) == 130
    assert descendants_of(folder(monolith, home)) == []
