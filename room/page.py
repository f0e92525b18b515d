"""The page of the control room: drawings and charts that the browser fills, and the controls beside them."""

from __future__ import annotations

import json
from typing import Any

from nicegui import ui
from nicegui.events import GenericEventArguments

from room.control import PAIR, ControlRoom, Message
from room.controls import Controls

CHARTS = {
    "arrivals": "Arrivals and good answers /s",
    "orders": "Orders /s: confirmed, and pending (dashed)",
    "latency": "Latency at the edge, ms",
    "errors": "Errors /s",
    "cpu-monolith": "CPU of the monolith, cores",
    "cpu-microservices": "CPU of the services, cores",
    "memory": "Memory, MB",
}
HEAD = """
<link rel="stylesheet" href="/room/room.css">
<script>window.room = {waiting: [], tell(message) { this.waiting.push(message); }};</script>
<script type="module" src="/room/room.js"></script>
"""


def draw(control: ControlRoom) -> None:
    """Build one visitor's page, and keep it told as long as it is open."""
    ui.add_head_html(HEAD)
    ui.colors(primary="#2f6f5e", positive="#15803d")
    client = ui.context.client

    def tell(message: Message) -> None:
        client.run_javascript(f"room.tell({json.dumps(message)})")

    with ui.element("div").classes("room"):
        _header()
        with ui.element("div").classes("stage"):
            with ui.element("div").classes("twins"):
                for name in PAIR:
                    _twin(name)
            charts = _charts()
        with ui.element("aside").classes("controls").props('aria-label="Controls"'):
            controls = Controls(control)
            controls.draw()

    def pick(event: GenericEventArguments) -> None:
        controls.pick(str(event.args["stack"]), str(event.args["part"]))

    def repair(event: GenericEventArguments) -> None:
        tell(control.missing(int(event.args["sample"]), int(event.args["event"])))

    def leave() -> None:
        control.pages.discard(tell)

    ui.on("room_pick", pick)
    ui.on("room_missing", repair)
    client.on_delete(leave)

    async def begin() -> None:
        await client.connected()
        tell({"charts": charts} | control.whole())
        control.pages.add(tell)

    ui.timer(0, begin, once=True)


def _header() -> None:
    with ui.element("header").classes("top"):
        ui.html(
            '<h1><span class="mark" aria-hidden="true"></span>Twinshop <small>control room</small></h1>', sanitize=False
        )
        ui.html('<p class="legend"><b class="monolith">━</b> monolith <b class="microservices">━</b> microservices'
                ' <span>┅ arrivals, p50</span></p>', sanitize=False)  # fmt: skip
        ui.html('<p class="wall-link"><a href="/wall" title="for the back row (w)">on the wall</a></p>', sanitize=False)
        ui.html('<p class="clock" id="clock" role="status">waiting for the first second …</p>', sanitize=False)
        ui.html('<p class="story" id="story" aria-live="polite" aria-atomic="true"></p>', sanitize=False)


def _twin(name: str) -> None:
    ui.html(
        f'<section class="twin {name}" aria-label="{name}"><div class="twin-head"><h2>{name}</h2>'
        f'<dl class="figures" id="figures-{name}"></dl></div>'
        f'<div class="drawing" id="drawing-{name}"></div><ol class="books" id="books-{name}"></ol></section>',
        sanitize=False,
    )


def _charts() -> dict[str, int]:
    """Draw empty charts and return their elements' ids by name; the browser fills them."""
    ids = {}
    with ui.element("div").classes("charts"):
        for name, title in CHARTS.items():
            with ui.element("figure").classes("chart"):
                ui.html(f"<figcaption>{title}</figcaption>", sanitize=False)
                ids[name] = ui.echart(_empty()).classes("plot").id
        ui.html(
            '<figure class="chart"><figcaption>What happened</figcaption><ol class="events" id="events"'
            ' tabindex="0"></ol></figure>',
            sanitize=False,
        )
    ui.html('<section class="console" id="console" aria-label="Commands"></section>', sanitize=False)
    return ids


def _empty() -> dict[str, Any]:
    return {"animation": False, "xAxis": {"type": "time"}, "yAxis": {"type": "value"}, "series": []}
