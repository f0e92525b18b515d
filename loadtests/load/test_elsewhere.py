"""An address in the place of a stack: how it is read, and what is looked at before it is loaded."""

from __future__ import annotations

from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from deploy.model.errors import DeployError
from loadtests.conftest import Shop
from loadtests.load.elsewhere import ShopElsewhere
from loadtests.load.users import world

TOKEN = "header:Authorization: Bearer abc"


@pytest.mark.parametrize("address", ["shop.example", "ftp://shop.example", "https://", "https://shop.example/shop"])
def test_what_is_no_address_of_a_shop_is_refused(address: str) -> None:
    with pytest.raises(DeployError, match="is no address of a shop"):
        ShopElsewhere.of(address, TOKEN)


def test_a_shop_elsewhere_needs_tokens() -> None:
    with pytest.raises(DeployError, match="--tokens-from"):
        ShopElsewhere.each(["https://shop.example"], [])


def test_tokens_are_from_one_place_for_all_or_for_each_from_its_own() -> None:
    addresses = ["https://one.example", "https://other.example"]

    same, own = (ShopElsewhere.each(addresses, tokens) for tokens in ([TOKEN], [TOKEN, "https://identity.example"]))

    assert [shop.tokens_from for shop in same] == [TOKEN, TOKEN]
    assert [shop.tokens_from for shop in own] == [TOKEN, "https://identity.example"]
    with pytest.raises(DeployError, match="one for all, or 2"):
        ShopElsewhere.each(addresses, [TOKEN] * 3)


def test_a_command_is_asked_once_so_that_the_same_customers_come_back(shop: Shop, tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    command = f"command:echo once >> {calls}; seq 100 102"

    with ShopElsewhere.of(shop.url, command).opened() as opened:
        tokens = [[one.token for one in world.customers(opened.tokens_from, 3, "load")] for _ in range(2)]

    assert tokens == [["100", "101", "102"]] * 2
    assert calls.read_text() == "once\n"
    with pytest.raises(world.WorldNotReady):  # what was kept is gone
        world.customers(opened.tokens_from, 3, "load")


def test_a_command_that_prints_no_token_is_named(shop: Shop) -> None:
    with pytest.raises(DeployError, match="'false' ended with 1"), ShopElsewhere.of(shop.url, "command:false").opened():
        pass


class Page(BaseHTTPRequestHandler):
    """A page of somebody else's, whatever is asked for."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<h1>It works!</h1>")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_what_answers_and_is_no_shop_of_ours_is_refused() -> None:
    with HTTPServer(("127.0.0.1", 0), Page) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        page = ShopElsewhere.of(f"http://127.0.0.1:{server.server_port}", TOKEN)

        with pytest.raises(DeployError, match=r"is not this shop: .* 200 '<h1>It works!"), page.opened():
            pass
        server.shutdown()


def test_an_identity_provider_that_is_away_is_named(shop: Shop, start_shop: Callable[..., Shop]) -> None:
    away = start_shop()
    away.process.kill()
    away.process.wait()

    with pytest.raises(DeployError, match="tokens/batch"), ShopElsewhere.of(shop.url, away.url).opened():
        pass
