"""Parts say in one line why they cannot start, and stop at once even while they hold calls back."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from outside.conftest import Merchant, OutsidePart, WebhookInbox, free_port, launch
from tests.plain_http import plain_http

STOPPED_WITHIN_S = 5.0  # half of what a call that hangs would take
PARTS = ("provider", "identity", "mail")


@contextmanager
def taken_port() -> Iterator[int]:
    """Listen on a port ourselves."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield holder.getsockname()[1]


def last_words(part: str, **environment: str) -> tuple[int, str]:
    """Return the exit status of a part that does not start, and all it said."""
    process = launch(part, **environment)
    _, log = process.communicate(timeout=20)
    return process.returncode, log


@pytest.mark.parametrize("part", PARTS)
def test_a_taken_port_is_named(part: str, tmp_path: Path) -> None:
    with taken_port() as port:
        status, log = last_words(part, PORT=str(port), DATA_DIR=str(tmp_path / "data"), SMTP_PORT=str(free_port()))

    assert status == 1
    assert log == f"{part}: port {port} on 127.0.0.1 is taken by another process\n"


def test_a_taken_smtp_port_is_named(tmp_path: Path) -> None:
    with taken_port() as port:
        status, log = last_words("mail", PORT=str(free_port()), DATA_DIR=str(tmp_path / "data"), SMTP_PORT=str(port))

    assert status == 1
    assert log == f"mail: port {port} on 127.0.0.1 is taken by another process\n"


@pytest.mark.parametrize("part", PARTS)
def test_a_folder_that_cannot_be_written_is_named(part: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()

    status, log = last_words(part, PORT=str(free_port()), DATA_DIR=str(file / "data"), SMTP_PORT=str(free_port()))

    assert status == 1
    assert log.startswith(f"{part}: DATA_DIR {file / 'data'} cannot be written: ")
    assert log.count("\n") == 1


@pytest.mark.parametrize(
    ("environment", "word"),
    [
        ({"PORT": "18401"}, "DATA_DIR"),
        ({"PORT": "high", "DATA_DIR": "data"}, "PORT"),
        ({"PORT": "0", "DATA_DIR": "data"}, "PORT"),
        ({"PORT": "18401", "DATA_DIR": "data", "WEBHOOKS": "{"}, "WEBHOOKS"),
        ({"PORT": "18401", "DATA_DIR": "data", "WEBHOOKS": '{"m": {"url": "x"}}'}, "WEBHOOKS"),
        ({"PORT": "18401", "DATA_DIR": "data", "LOG_LEVEL": "loud"}, "LOG_LEVEL"),
    ],
)
def test_a_wrong_setting_is_named_in_one_line(environment: dict[str, str], word: str) -> None:
    status, log = last_words("provider", **environment)

    assert status == 2
    assert log.count("\n") == 1
    assert word in log


def test_a_ledger_has_one_owner(start_part: Callable[..., OutsidePart]) -> None:
    owner = start_part("provider")

    status, log = last_words("provider", PORT=str(free_port()), DATA_DIR=owner.environment["DATA_DIR"])

    assert status == 1
    assert log.count("\n") == 1
    assert "locked" in log


def test_a_ledger_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite3").write_bytes(b"not a database at all, " * 100)

    status, log = last_words("provider", PORT=str(free_port()), DATA_DIR=str(tmp_path))

    assert status == 1
    assert log.count("\n") == 1
    assert str(tmp_path) in log


@pytest.mark.parametrize("part", PARTS)
def test_an_idle_part_stops_at_once_with_status_zero(part: str, start_part: Callable[..., OutsidePart]) -> None:
    running = start_part(part, SMTP_PORT=str(free_port()))
    running.http.get("/healthz").raise_for_status()

    took_s, status, log = running.stop()

    assert took_s < STOPPED_WITHIN_S
    assert status == 0
    assert "Traceback" not in log


def test_calls_that_hang_do_not_hold_up_a_stop(start_part: Callable[..., OutsidePart]) -> None:
    provider = start_part("provider")
    merchant = Merchant(provider, "monday")
    merchant.charge("order-0")
    merchant.behave(hang=True)
    hanging = [threading.Thread(target=_call_into_the_void, args=(provider,), daemon=True) for _ in range(20)]
    for thread in hanging:
        thread.start()
    while merchant.ledger().get("order-1", {}).get("attempts", 0) < len(hanging):
        pass

    took_s, status, log = provider.stop()

    for thread in hanging:
        thread.join()
    assert took_s < STOPPED_WITHIN_S
    assert status == 0
    assert "Traceback" not in log
    merchant.close()


def test_a_withheld_answer_is_told_by_webhook_after_the_restart(
    start_part: Callable[..., OutsidePart], own_inbox: WebhookInbox
) -> None:
    targets = json.dumps({"monday": {"url": own_inbox.url, "secret": "hush"}})
    provider = start_part("provider", WEBHOOKS=targets)
    merchant = Merchant(provider, "monday")
    withheld = threading.Thread(target=_call_into_the_void, args=(provider, "pm_timeout"), daemon=True)
    withheld.start()
    while merchant.ledger().get("order-1", {}).get("status") != "captured":
        pass

    provider.stop()
    withheld.join()
    provider.start()

    assert json.loads(own_inbox.wait_for(1)[0].body)["charge_key"] == "order-1"
    assert merchant.ledger()["order-1"]["status"] == "captured"
    merchant.close()


def _call_into_the_void(provider: OutsidePart, method: str = "pm_ok") -> None:
    merchant = Merchant.__new__(Merchant)  # without setting its behaviour: that would heal it
    headers = {"Authorization": "Bearer key-monday"}
    merchant.http = plain_http(f"{provider.url}/v1/monday", headers=headers, timeout=2 * STOPPED_WITHIN_S)
    try:
        assert merchant.charge("order-1", method).status_code == 503
    except httpx.TransportError:  # the stop may also cut the connection
        return
    finally:
        merchant.http.close()
