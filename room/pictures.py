"""Takes the pictures of the README, from shops that are up and get fresh data for it: `twinshop screenshots`."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page

from deploy.local.runner import LocalRunner
from deploy.model.errors import NotRunning
from deploy.model.home import REPOSITORY
from deploy.runner.console import console
from room import chromium
from room.control import PAIR
from room.opening import open_room

FOLDER = REPOSITORY / "docs" / "pictures"
MOST_BYTES = 200_000
DESK, PHONE, HALL = (1280, 800), (390, 780), (1480, 925)
BUSY_S, BROKEN_S, SETTLE_S = 25, 9, 90
CHECKED = "room.state.runs.some((run) => run.name === 'books' && run.status === 0) && !room.state.books.checking"


def take(folder: Path = FOLDER) -> None:
    """Take every picture; it lasts about two minutes. What was sold or put on the shelves before is gone then.

    Raises NotRunning, MissingProgram.
    """
    runners = {name: LocalRunner(name) for name in PAIR}
    if not all(runner.status().up for runner in runners.values()):
        raise NotRunning("The pictures show both shops: `twinshop up` first.")
    for runner in runners.values():
        runner.reset()  # no picture shows what tests have left behind
    folder.mkdir(parents=True, exist_ok=True)
    with chromium.open_browser() as browser, open_room() as address:
        _shop(browser, runners["monolith"].address, folder)
        _phone(browser, runners["microservices"].address, folder)
        _room(browser, address, folder)


def _shop(browser: Browser, address: str, folder: Path) -> None:
    page = _page(browser, DESK, "light")
    page.goto(address)
    page.wait_for_selector(".card")
    _keep(page, folder / "shop.png")
    page.goto(f"{address}/#/?category=Kitchen")
    page.wait_for_selector(".chip")
    page.get_by_label("Signed in as").select_option(index=3)
    page.locator(".card button").first.click()
    page.goto(f"{address}/#/cart")
    page.get_by_label("Test card whose bank answers later").check()
    page.get_by_role("button", name="Place the order").click()
    page.locator(".order a").first.click()
    page.wait_for_selector(".steps")
    _keep(page, folder / "orders.png")
    page.context.close()


def _phone(browser: Browser, address: str, folder: Path) -> None:
    page = _page(browser, PHONE, "dark")
    page.goto(address)
    page.wait_for_selector(".card")
    _keep(page, folder / "shop-phone-dark.png")
    page.context.close()


def _room(browser: Browser, address: str, folder: Path) -> None:
    page = _page(browser, HALL, "light", scale=0.8)  # a README shows it smaller still
    page.goto(address)
    page.wait_for_selector("#figures-microservices dd")
    page.get_by_label("Rate /s").fill("40")
    page.locator(".control", has_text="Load").get_by_role("button", name="Start").click()
    page.wait_for_timeout(BUSY_S * 1000)
    page.locator("#drawing-microservices .node[aria-label^='payments:']").click()
    fault = page.locator(".control", has_text="Inject")
    fault.get_by_role("button", name="30s").click()
    fault.get_by_role("button", name="Inject").click()
    page.wait_for_timeout(BROKEN_S * 1000)
    _keep(page, folder / "room-broken.png")
    page.get_by_role("button", name="Heal all").click()
    page.get_by_role("button", name="Stop load").click()
    page.wait_for_function(CHECKED, timeout=SETTLE_S * 1000)
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(2500)
    _keep(page, folder / "room-settled-dark.png")
    page.context.close()


def _page(browser: Browser, size: tuple[int, int], scheme: Literal["light", "dark"], scale: float = 1) -> Page:
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, device_scale_factor=scale
    )
    return context.new_page()


def _keep(page: Page, path: Path) -> None:
    path.write_bytes(_packed(page.screenshot()))
    size = path.stat().st_size
    too_much = f", [red]more than {MOST_BYTES // 1000} kB[/]" if size > MOST_BYTES else ""
    console.print(f"{path.relative_to(REPOSITORY)}  {size / 1000:.0f} kB{too_much}")


def _packed(png: bytes) -> bytes:
    """Return the same picture in fewer bytes: a browser packs in a hurry."""
    signature, chunks, at, pixels = png[:8], [], 8, b""
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        kind, data = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        at += 12 + length
        if kind == b"IDAT":
            pixels += data
        else:
            chunks.append((kind, data))
    chunks.insert(-1, (b"IDAT", zlib.compress(zlib.decompress(pixels), 9)))  # in front of the end
    packed = [struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks]
    return signature + b"".join(packed)
