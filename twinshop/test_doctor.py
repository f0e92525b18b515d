"""`twinshop doctor` names what is in the way, and what to do about it."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
import typer

from deploy.stacks import runner_for
from tests.ports import COMMANDS_SHIFT
from twinshop import doctor


def test_a_port_that_somebody_has_is_named_with_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TWINSHOP_HOME", str(tmp_path))  # neither the shops nor the ports of who runs the tests
    monkeypatch.setenv("TWINSHOP_PORT_SHIFT", str(COMMANDS_SHIFT))
    port = runner_for("monolith").stack.part("web").ports["http"]
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", port))
        listener.listen()
        checks = {one.what: one for one in doctor.ports()}

    assert f"port {port} (web of monolith) is taken" in checks["ports of monolith"].advice
    assert "TWINSHOP_PORT_SHIFT" in checks["ports of monolith"].advice
    assert checks["ports of microservices"].advice == ""


def test_too_little_memory_is_an_error_and_a_busy_machine_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "BUSY_SHARE", -1)
    assert not any(one.needed for one in doctor.machine() if one.what == "load average" and one.advice)

    monkeypatch.setattr(doctor, "NEEDED_MB", 10**9)
    with pytest.raises(typer.Exit):
        doctor.doctor()
