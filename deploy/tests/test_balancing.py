"""A replica is stopped when no connection to it is left."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from deploy.local import balancing


@pytest.mark.parametrize("table", [balancing.TABLE, Path("/no/such/table")], ids=["the kernel's table", "psutil"])
def test_a_connection_is_seen_while_it_is_there(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(balancing, "TABLE", table)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        before = balancing._has_connections({port})
        with socket.create_connection(("127.0.0.1", port)) as client:
            accepted, _ = server.accept()
            during = balancing._has_connections({port})
            accepted.close()
            client.recv(1)
        after = balancing._has_connections({port})

    assert (before, during, after) == (False, True, False)
