"""Who may give commands to a supervisor, and what becomes of one that a version before this one has started."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from deploy.local import control
from deploy.local.process import descendants_of
from deploy.local.runner import LocalRunner
from deploy.local.state import FILE, State
from deploy.model import home
from deploy.model.errors import FolderTrouble, OlderSupervisor
from deploy.model.home import Home

LONGEST_PATH = 104  # bytes, with the closing zero: macOS; Linux has 108


def test_only_its_user_can_open_the_socket(monolith: LocalRunner, home: Home) -> None:
    monolith.up()
    state = State.read(home.stack("monolith"))
    assert state is not None
    path = Path(state.control_socket)

    assert path.is_socket()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700

    monolith.down()
    assert not path.exists()


def test_socket_of_a_killed_supervisor_is_removed_by_down(monolith: LocalRunner, home: Home) -> None:
    monolith.up()
    state = State.read(home.stack("monolith"))
    assert state is not None
    os.kill(state.supervisor.pid, signal.SIGKILL)

    monolith.down()

    assert not Path(state.control_socket).exists()


def test_path_is_short_however_long_the_folders_is() -> None:
    assert len(str(control.socket_path(Path("/very-long" * 50)))) < LONGEST_PATH


def test_folder_that_others_can_enter_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home, "SOCKETS", tmp_path)
    control.socket_path(tmp_path).parent.chmod(0o755)

    with pytest.raises(FolderTrouble, match="chmod 700"):
        control.socket_path(tmp_path)


def test_stack_of_an_older_version_takes_no_command_but_down(monolith: LocalRunner, home: Home) -> None:
    monolith.up()
    file = home.stack("monolith") / FILE
    state = json.loads(file.read_text("utf-8"))
    del state["control_socket"]
    file.write_text(json.dumps(state | {"control_port": 1}))

    with pytest.raises(OlderSupervisor, match="`twinshop down monolith` stops it"):
        monolith.status()
    with pytest.raises(OlderSupervisor):
        monolith.up()

    assert monolith.down()
    assert descendants_of(home.stack("monolith")) == []
    assert not monolith.status().up
