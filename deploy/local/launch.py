"""A stack as processes of this machine: its parts as its folder says now, and what starts one replica of one."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping

from deploy.envoy import access_log, bootstrap
from deploy.local import postgres
from deploy.local.process import Launch
from deploy.model import broker_users, extras, versions
from deploy.model.checkout import Checkout
from deploy.model.extraction import ExtractionState
from deploy.model.home import MARK, REPOSITORY, Home, write_atomically, writing
from deploy.model.parts import SAMPLING, VARIANT, Part, Secrets, Site, Stack
from deploy.model.topology import build
from deploy.runner import binaries, node
from deploy.runner.tracing import DIRECTORY

# What a process needs of ours besides its own settings; nothing else leaks in.
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "VIRTUAL_ENV", "COVERAGE_PROCESS_START")
MAX_PAYLOAD_BYTES = 1 << 20  # of a message at the broker
MAX_STORE_BYTES = 1 << 30


def stack_at(home: Home, secrets: Secrets, topology: str, name: str, shift: int) -> tuple[Site, Stack]:
    """Return where a stack is, and its parts.

    Which modules are extracted, which versions run, and of which commit it is, its folder says.
    """
    site = Site(
        secrets,
        keys=str(home.keys),
        data=str(home.root),
        shift=shift,
        notifications_in_node=node.is_chosen(),
        extraction=ExtractionState.read(home.stack(name)),
        extras=extras.read(home.stack(name)),
    )
    parts, checkout = build(topology, name, site), Checkout.read(home.stack(name))
    return site, versions.beside(checkout.within(parts) if checkout else parts, versions.read(home.stack(name)))


def prepare(
    home: Home, stack: Stack, part: Part, replica: int, *, secrets: Secrets, extra: Mapping[str, str]
) -> Launch:
    """Write what the part needs on disk and return how to start a replica. Blocks up to a second at the first start.

    `extra` are settings that replace the topology's.

    Raises FolderTrouble, StartFailed, MissingProgram, UnknownTarget.
    """
    environment = {name: os.environ[name] for name in INHERITED if name in os.environ}
    environment[MARK] = str(home.stack(stack.name))
    if part.kind == "postgres":
        return postgres.launch(home, stack.name, part, secrets, environment)
    if part.kind == "nats":
        return _broker(home, stack.name, part, secrets, environment, extras.read(home.stack(stack.name)))
    command = part.command_with(extra)
    if command[0] == "node":
        node.build()
    log = home.log(stack.name, part.instance(replica))
    program = str(binaries.resolve(command[0]))
    if part.kind == "envoy":
        folder = home.stack(stack.name) / "envoy"
        ratio = float(extra[SAMPLING]) if SAMPLING in extra else None
        if access_log.configure(folder, extra.get(DIRECTORY, ""), ratio):
            bootstrap.reload(stack, part, folder)
        options = (*command[1:], *(access_log.FLUSH_OPTION if ratio is not None else ()))
        return Launch((program, *options, "--config-path", str(folder / bootstrap.FILE)), environment, folder, log)
    environment |= {
        "HOST": "127.0.0.1",
        "PORT": str(part.port("http", replica)),
        "REPLICA": str(replica),
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONUNBUFFERED": "1",
        **part.environment,
        **extra,
    }
    environment.pop(VARIANT, None)
    return Launch((program, *command[1:]), environment, REPOSITORY, log)


def _broker(
    home: Home, stack: str, part: Part, secrets: Secrets, environment: Mapping[str, str], listeners: Collection[str]
) -> Launch:
    """Write the server's configuration and return how to start it. Raises FolderTrouble."""
    data = home.data(stack, part.name)
    path = home.stack(stack) / "nats.conf"
    with writing(data):
        data.mkdir(parents=True, exist_ok=True)
        write_atomically(
            path, json.dumps(broker_configuration(part, str(data), secrets, listeners), indent=1), mode=0o600
        )
    command = (str(binaries.nats_server()), *part.command[1:], "--config", str(path))
    return Launch(command, environment, data, home.log(stack, part.name))


def broker_configuration(
    part: Part, store: str, secrets: Secrets, listeners: Collection[str] = ()
) -> dict[str, object]:
    """Return nats-server's configuration (its format takes JSON)."""
    return {
        "host": "127.0.0.1",
        "port": part.port("nats"),
        "http": f"127.0.0.1:{part.port('monitor')}",
        "max_payload": MAX_PAYLOAD_BYTES,
        "jetstream": {"store_dir": store, "max_memory_store": 1 << 26, "max_file_store": MAX_STORE_BYTES},
        "authorization": broker_users.authorization(secrets, listeners),
    }
