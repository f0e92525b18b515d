"""The instructor's side: takes reports, bounded in size and number, and shows who is where: `twinshop classroom`.

There are no accounts. Whoever reaches the port can report under any name, but only for an id that nobody else knows,
and sees what the page shows; nothing is kept on disk. A browser's requests are taken from no other page.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import re
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2
import uvicorn
from markupsafe import Markup
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from deploy.model.errors import PortTaken
from loadtests.report.page import HERE as REPORT_FOLDER
from shared.platform.own_pages import LOOPBACK
from workshop import labs
from workshop.classroom.report import MOST_BYTES, PATH, Report

HERE = Path(__file__).parent
PORT = 8070
MOST_PARTICIPANTS = 200
MOST_AT_ONCE = 100
FORGOTTEN_AFTER_S = 12 * 3600.0
STUCK_AFTER_S = 600.0
# Brings the table up to date in place, so that who reads it keeps focus and position.
SCRIPT = """
setInterval(async () => {
  if (document.hidden) return;
  const fresh = new DOMParser().parseFromString(await (await fetch("/")).text(), "text/html");
  document.querySelector("section").replaceChildren(...fresh.querySelector("section").childNodes);
}, 5000);
"""
_HASH = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
_DARK = re.compile(r':root\[data-theme="dark"\] (\{.*?\n\})', re.DOTALL)
HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; connect-src 'self'; script-src 'sha256-{_HASH}'; "
    "style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}
Clock = Callable[[], float]


@dataclass
class Participant:
    """Somebody who reports. Times are of the classroom's clock; `moved_at` is the last report with something new."""

    report: Report
    heard_at: float
    moved_at: float

    @property
    def trouble(self) -> str:
        """The command that does not do what a lab's text says."""
        return next((lab.trouble for lab in self.report.labs.values() if lab.trouble), "")

    @property
    def is_working(self) -> bool:
        """Whether a lab was begun and is not done."""
        return any(lab.steps_done and not lab.done for lab in self.report.labs.values())


@dataclass
class Classroom:
    """Everybody who reports, by id."""

    clock: Clock = time.monotonic
    _there: dict[str, Participant] = field(default_factory=dict)

    def take(self, report: Report) -> bool:
        """Take a report; return False where there is no place for one more participant."""
        now = self.clock()
        for name in [name for name, one in self._there.items() if now - one.heard_at > FORGOTTEN_AFTER_S]:
            del self._there[name]
        known = self._there.get(report.id)
        if known is None and len(self._there) >= MOST_PARTICIPANTS:
            return False
        has_moved = known is None or known.report.labs != report.labs
        self._there[report.id] = Participant(report, now, now if has_moved or known is None else known.moved_at)
        return True

    def rows(self) -> list[dict[str, Any]]:
        """Return what the page shows of each, who is stuck first. Two of one name are told apart by number."""
        now, named, rows = self.clock(), dict[str, int](), []
        for one in self._there.values():
            name = one.report.name
            named[name] = named.get(name, 0) + 1
            stuck = bool(one.trouble) or (one.is_working and now - one.moved_at > STUCK_AFTER_S)
            rows.append({
                "name": name if named[name] == 1 else f"{name} ({named[name]})",
                "labs": one.report.labs, "stuck": stuck,
                "trouble": one.trouble, "minutes": int((now - one.moved_at) / 60),
            })  # fmt: skip
        return sorted(rows, key=lambda row: (not row["stuck"], row["name"].lower()))


def render(room: Classroom) -> str:
    """Return the page of a classroom as it is now."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    css = (REPORT_FOLDER / "page.css").read_text("utf-8")
    dark = "".join(f"@media (prefers-color-scheme: dark) {{ :root {block} }}" for block in _DARK.findall(css))
    return environment.get_template("page.html.j2").render(
        rows=room.rows(),
        numbers=[lab.number for lab in labs.every()],
        css=Markup(css + dark + (HERE / "page.css").read_text("utf-8")),  # noqa: S704  (files of ours)
        script=Markup(SCRIPT),  # noqa: S704
    )


def create_app(room: Classroom) -> Starlette:
    """Return the application that takes reports for a classroom and shows it."""

    async def show(request: Request) -> Response:
        if not _is_named_as_ours(request):
            return PlainTextResponse("This page has no such name.\n", 403)
        return HTMLResponse(render(room), headers=HEADERS)

    async def take(request: Request) -> Response:
        if "origin" in request.headers or not _is_named_as_ours(request):
            return PlainTextResponse("Reports come from no page.\n", 403)
        body = b""
        try:
            async for chunk in request.stream():
                body += chunk
                if len(body) > MOST_BYTES:
                    return PlainTextResponse(f"A report has at most {MOST_BYTES} bytes.\n", 413)
            report = Report.model_validate_json(body)
        except ClientDisconnect:
            return Response(status_code=400)
        except ValidationError as error:
            return PlainTextResponse(f"This is no report: {error.error_count()} errors.\n", 422)
        if not room.take(report):
            return PlainTextResponse("The room is full.\n", 503)
        return Response(status_code=204)

    return Starlette(routes=[Route("/", show), Route(PATH, take, methods=["POST"])])


def serve(host: str, port: int) -> None:
    """Run until Ctrl-C. Raises PortTaken where nobody can listen there."""
    try:
        listening = socket.create_server((host, port))
    except OSError as error:
        raise PortTaken(f"Nobody can listen at {host}, port {port}: {error.strerror or error}. Another `--bind` or "
                        "`--port`, or TWINSHOP_PORT_SHIFT.") from error  # fmt: skip
    with listening:
        config = uvicorn.Config(
            create_app(Classroom()), log_level="warning", limit_concurrency=MOST_AT_ONCE, timeout_keep_alive=5,
            server_header=False,
        )  # fmt: skip
        uvicorn.Server(config).run([listening])


def _is_named_as_ours(request: Request) -> bool:
    """Whether we were asked by an address, or by a name without a dot: a site could point a name of its own here."""
    host = request.url.hostname or ""
    if host in LOOPBACK or (host and "." not in host and ":" not in host):
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
