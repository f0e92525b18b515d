"""The channel between a supervisor and the command line: JSON lines over a Unix socket that only its user can open.

No pickles: whoever gets at the socket must not be able to run code in the supervisor.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from deploy.model import home
from deploy.model.errors import BY_NAME, DeployError, FolderTrouble, NotRunning

MAX_LINE = 1 << 20
CONNECT_TIMEOUT_S = 2.0

Handler = Callable[[str, dict[str, Any]], Awaitable[Any]]


def socket_path(folder: Path) -> Path:
    """Return where the supervisor of a stack's folder listens, in a folder that only this user can enter.

    Raises FolderTrouble if the folder belongs to somebody else, or is open to others.
    """
    path = home.socket_path(str(folder), "control")
    ours = path.parent
    with contextlib.suppress(FileExistsError):
        ours.mkdir(mode=0o700)
    details = ours.lstat()
    if ours.is_symlink() or details.st_uid != os.getuid() or details.st_mode & 0o077:
        raise FolderTrouble(f"{ours} is not this user's alone: remove it, or run `chmod 700 {ours}` if it is yours.")
    return path


async def serve(path: Path, handle: Handler) -> asyncio.Server:
    """Listen there, with mode 0600; `handle(command, arguments)` answers what is asked."""

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, ValueError, KeyError, asyncio.IncompleteReadError):
            request = json.loads(await reader.readline())
            writer.write(json.dumps(await _answer(handle, request)).encode() + b"\n")
            await writer.drain()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    # It takes the place of the socket of a supervisor that was killed.
    server = await asyncio.start_unix_server(conversation, path, limit=MAX_LINE)
    os.chmod(path, 0o600)  # until now only the folder has kept others out
    return server


async def _answer(handle: Handler, request: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"result": await handle(request["command"], request["arguments"])}
    except DeployError as error:
        return {"error": type(error).__name__, "message": str(error)}
    except Exception as error:  # for who asked; the supervisor lives on
        return {"error": "DeployError", "message": f"the supervisor failed: {type(error).__name__}: {error}"}


def ask(path: str, command: str, arguments: dict[str, Any], timeout_s: float) -> Any:
    """Send one command to a supervisor and return its answer.

    Raises NotRunning if nobody listens there, or the error that the supervisor reports.
    """
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(CONNECT_TIMEOUT_S)
            connection.connect(path)
            connection.settimeout(timeout_s)
            connection.sendall(json.dumps({"command": command, "arguments": arguments}).encode() + b"\n")
            with connection.makefile("rb") as lines:
                answer = json.loads(lines.readline())
    except TimeoutError as error:
        raise DeployError(f"The supervisor did not answer '{command}' within {timeout_s:.0f} s.") from error
    except (OSError, ValueError) as error:
        raise NotRunning("The supervisor is not running.") from error
    if "error" in answer:
        raise BY_NAME.get(answer["error"], DeployError)(answer["message"])
    return answer["result"]
