"""A stack as processes of this machine: its parts as its folder says now, and what starts one replica of one."""

from __future__ import annotations

import os
from collections.abc import Mapping

from deploy.envoy import access_log, bootstrap
from deploy.local import nats, postgres
from deploy.local.process import Launch
from deploy.model import versions
from deploy.model.extraction import ExtractionState
from deploy.model.home import MARK, REPOSITORY, Home
from deploy.model.parts import SAMPLING, VARIANT, Part, Secrets, Site, Stack
from deploy.model.topology import build
from deploy.runner import binaries, node
from deploy.runner.tracing import DIRECTORY

# What a process needs of ours besides its own settings; nothing else leaks in.
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "VIRTUAL_ENV", "COVERAGE_PROCESS_START")


def stack_at(home: Home, secrets: Secrets, topology: str, name: str, shift: int) -> tuple[Site, Stack]:
    """Return where a stack is, and its parts: which modules are extracted, and which versions run, its folder says."""
    site = Site(
        secrets,
        keys=str(home.keys),
        data=str(home.root),
        shift=shift,
        notifications_in_node=node.is_chosen(),
        extraction=ExtractionState.read(home.stack(name)),
    )
    return site, versions.beside(build(topology, name, site), versions.read(home.stack(name)))


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
        return nats.launch(home, stack.name, part, secrets, environment)
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
