"""The channel between a supervisor and the command line: JSON lines over loopback, both sides proving a secret.

No pickles: whoever can connect to a port of this machine must not be able to run code in the supervisor.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import secrets
import socket
from collections.abc import Awaitable, Callable
from typing import Any

from deploy.model.errors import BY_NAME, DeployError, NotRunning

MAX_LINE = 1 << 20
HELLO_TIMEOUT_S = 2.0

Handler = Callable[[str, dict[str, Any]], Awaitable[Any]]


def _proof(key: bytes, side: str, nonce: str) -> str:
    return hmac.new(key, f"{side}:{nonce}".encode(), "sha256").hexdigest()


async def serve(key: bytes, handle: Handler) -> asyncio.Server:
    """Listen on a free port of 127.0.0.1; `handle(command, arguments)` answers what is asked."""

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, ValueError, TimeoutError, KeyError, asyncio.IncompleteReadError):
            async with asyncio.timeout(HELLO_TIMEOUT_S):
                nonce = secrets.token_hex(16)
                await _send(writer, {"nonce": nonce})
                hello = json.loads(await reader.readline())
            if hmac.compare_digest(hello["proof"], _proof(key, "client", nonce)):
                await _send(writer, {"proof": _proof(key, "server", hello["nonce"])})
                request = json.loads(await reader.readline())
                await _send(writer, await _answer(handle, request))
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    return await asyncio.start_server(conversation, "127.0.0.1", 0, limit=MAX_LINE)


async def _answer(handle: Handler, request: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"result": await handle(request["command"], request["arguments"])}
    except DeployError as error:
        return {"error": type(error).__name__, "message": str(error)}
    except Exception as error:  # told to who asked; the supervisor lives on
        return {"error": "DeployError", "message": f"the supervisor failed: {type(error).__name__}: {error}"}


async def _send(writer: asyncio.StreamWriter, message: dict[str, Any]) -> None:
    writer.write(json.dumps(message).encode() + b"\n")
    await writer.drain()


def ask(port: int, key: bytes, command: str, arguments: dict[str, Any], timeout_s: float) -> Any:
    """Send one command to a supervisor and return its answer.

    Raises NotRunning if nobody who knows the secret listens there, or the error that the supervisor reports.
    """
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=HELLO_TIMEOUT_S) as connection:
            lines = connection.makefile("rwb")
            challenge = json.loads(lines.readline())
            nonce = secrets.token_hex(16)
            _say(lines, {"nonce": nonce, "proof": _proof(key, "client", challenge["nonce"])})
            if not hmac.compare_digest(json.loads(lines.readline())["proof"], _proof(key, "server", nonce)):
                raise NotRunning("Somebody else listens on the supervisor's port.")
            connection.settimeout(timeout_s)
            _say(lines, {"command": command, "arguments": arguments})
            answer = json.loads(lines.readline())
    except TimeoutError as error:
        raise DeployError(f"The supervisor did not answer '{command}' within {timeout_s:.0f} s.") from error
    except (OSError, ValueError, KeyError) as error:
        raise NotRunning("The supervisor is not running.") from error
    if "error" in answer:
        raise BY_NAME.get(answer["error"], DeployError)(answer["message"])
    return answer["result"]


def _say(lines: Any, message: dict[str, Any]) -> None:
    lines.write(json.dumps(message).encode() + b"\n")
    lines.flush()
