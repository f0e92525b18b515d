"""The broker: nats-server with JetStream, configured by a file."""

from __future__ import annotations

import json
from collections.abc import Mapping

from deploy.local.process import Launch
from deploy.model import broker_users
from deploy.model.home import Home, write_atomically, writing
from deploy.model.parts import Part, Secrets
from deploy.runner import binaries

MAX_PAYLOAD_BYTES = 1 << 20
MAX_STORE_BYTES = 1 << 30


def launch(home: Home, stack: str, part: Part, secrets: Secrets, environment: Mapping[str, str]) -> Launch:
    """Write the server's configuration and return how to start it. Raises FolderTrouble."""
    data = home.data(stack, part.name)
    path = home.stack(stack) / "nats.conf"
    with writing(data):
        data.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps(configuration(part, str(data), secrets), indent=1), mode=0o600)
    command = (str(binaries.nats_server()), *part.command[1:], "--config", str(path))
    return Launch(command, environment, data, home.log(stack, part.name))


def configuration(part: Part, store: str, secrets: Secrets) -> dict[str, object]:
    """Return nats-server's configuration (its format takes JSON)."""
    return {
        "host": "127.0.0.1",
        "port": part.port("nats"),
        "http": f"127.0.0.1:{part.port('monitor')}",
        "max_payload": MAX_PAYLOAD_BYTES,
        "jetstream": {"store_dir": store, "max_memory_store": 1 << 26, "max_file_store": MAX_STORE_BYTES},
        "authorization": broker_users.authorization(secrets),
    }
