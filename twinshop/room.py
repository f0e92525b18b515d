"""The commands of `twinshop` for an audience: the control room, load by hand, the books, Locust's page, pictures."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from deploy.model.home import Home
from loadtests.load.users.traffic import MIX_HELP
from twinshop.experiments import At, TokensFrom
from twinshop.faults import duration_s
from twinshop.stacks import Choice, StackOption

Long = Annotated[str, typer.Option("--for", help="How long at most: 30s, 10m.")]


def room(
    show: Annotated[bool, typer.Option("--show/--no-show", help="Open the page in a browser.")] = False,
    port: Annotated[int, typer.Option(help="Another port than 8000 (and the shift).")] = 0,
) -> None:
    """Open the control room: both architectures live on one page (port 8000)."""
    # NiceGUI would leave a folder wherever one is.
    os.environ.setdefault("NICEGUI_STORAGE_PATH", str(Home.from_environment().root / "room" / "nicegui"))
    from room.server import serve  # noqa: PLC0415  (what draws is slow to import, and `twinshop up` shares this program)

    serve(show=show, port=port)


def load(
    stack: StackOption = Choice.both,
    rate: Annotated[float, typer.Option(min=0.1, max=5000, help="Arrivals/s at each shop.")] = 30.0,
    mix: Annotated[str, typer.Option(help=f"{MIX_HELP}.")] = "shopping",
    lasts: Long = "10m",
    seed: Annotated[int, typer.Option(help="The same seed sends the same requests.")] = 1,
    methods: Annotated[
        str, typer.Option("--payment-methods", help="Shares, such as pm_ok:97,pm_declined:3.")
    ] = "pm_ok:1",
    fail_if: Annotated[
        list[str] | None, typer.Option(help="End with status 3 if so: 'p99(order)>250ms', 'errors>0.1%'. Repeatable.")
    ] = None,
    at: At = None,
    tokens_from: TokensFrom = None,
) -> None:
    """Send open arrivals to running shops, or to shops elsewhere, the same to each, until Ctrl-C."""
    from loadtests.load.bounds import EXIT_BROKEN, BadBound, Bound  # noqa: PLC0415
    from loadtests.load.elsewhere import ShopElsewhere  # noqa: PLC0415
    from loadtests.load.users.traffic import mix_of  # noqa: PLC0415
    from room.load import send  # noqa: PLC0415

    try:
        mix_of(mix)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--mix") from error
    try:
        bounds = [Bound.parse(text).text for text in fail_if or ()]
    except BadBound as error:
        raise typer.BadParameter(str(error), param_hint="--fail-if") from error
    seconds = duration_s(lasts)
    if not send(
        stack.stacks, rate=rate, mix=mix, seconds=seconds, seed=seed, methods=methods, fail_if=bounds,
        elsewhere=ShopElsewhere.each(at or (), tokens_from or ()),
    ):  # fmt: skip
        raise typer.Exit(EXIT_BROKEN)


def books(stack: StackOption = Choice.both) -> None:
    """Wait until running shops are at rest, and check every promise on their books."""
    from room.books import check  # noqa: PLC0415

    if not check(stack.stacks):
        raise typer.Exit(1)


def locust(at: At = None, tokens_from: TokensFrom = None) -> None:
    """Open Locust's own web page with the shop's users (port 8089)."""
    from loadtests.load.elsewhere import ShopElsewhere  # noqa: PLC0415
    from room.locust_page import serve  # noqa: PLC0415

    if len(at or ()) > 1:
        raise typer.BadParameter("Locust loads one shop: name one address", param_hint="--at")
    raise typer.Exit(serve(*ShopElsewhere.each(at or (), tokens_from or ())))


def screenshots() -> None:
    """Take the pictures of the README, from shops that are up; they get fresh data first."""
    from room.pictures import take  # noqa: PLC0415

    take()
