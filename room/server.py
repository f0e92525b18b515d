"""Serves the control room on loopback: `twinshop room`."""

from __future__ import annotations

import socket
from pathlib import Path

from fastapi.responses import FileResponse
from nicegui import app, ui

from deploy.model.errors import PortTaken
from deploy.model.home import REPOSITORY
from deploy.runner.console import console
from room import wall
from room.addresses import room_port
from room.control import ControlRoom, Message
from room.page import draw
from shared.platform.own_pages import OwnPagesOnly, origins_of

HOST = "127.0.0.1"
STATIC = Path(__file__).parent / "static"


def serve(*, show: bool, port: int = 0) -> None:
    """Run until Ctrl-C; whatever was started from the page is ended then. Raises PortTaken."""
    port = port or room_port()
    _require_free(port)
    control = ControlRoom()

    @ui.page("/", title="Twinshop control room")
    def index() -> None:
        draw(control)

    @app.get("/wall", include_in_schema=False)
    async def wall_page() -> FileResponse:
        return FileResponse(STATIC / "wall.html")

    @app.get("/wall/now", include_in_schema=False)
    async def wall_now(after: int = -1) -> Message:
        return wall.view(control, after)

    reports = REPOSITORY / "reports"
    reports.mkdir(exist_ok=True)
    app.add_static_files("/room", STATIC, max_cache_age=0)
    app.add_static_files("/reports", reports, max_cache_age=0)
    app.add_middleware(OwnPagesOnly, origins=origins_of([f"http://{HOST}:{port}"]), is_page=True)
    app.on_startup(control.start)
    app.on_shutdown(control.stop)
    console.print(f"Control room: [bold]http://{HOST}:{port}[/]")
    ui.run(
        host=HOST,
        port=port,
        reload=False,
        show=show,
        dark=None,  # as the browser's own setting is
        favicon=STATIC / "icon.svg",
        binding_refresh_interval=None,
        language="en-US",
        show_welcome_message=False,
    )


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise PortTaken(f"Port {port} is taken: another control room? Set TWINSHOP_PORT_SHIFT.") from error
