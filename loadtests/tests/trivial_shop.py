"""A shop that costs next to nothing, to measure the generator: `python -m loadtests.tests.trivial_shop PORT`.

It answers what the load asks for, in the contract's shapes, and is the identity provider too. `--fault` makes it wrong
in one way, so that the judgement can be tested over a real connection; `stale-price` sells at the prices of its start.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import ssl
from collections.abc import Callable
from itertools import count
from typing import Any

SKUS = [f"TRIVIAL-{number:03d}" for number in range(100)]
FAULTS = (
    "none", "empty", "malformed", "error", "out-of-stock", "hang-up", "silent", "stale-price", "forgetful", "dearer",
)  # fmt: skip
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


def _product(sku: str) -> dict[str, Any]:
    price = {"amount": 100, "currency": "EUR"}
    return {
        "sku": sku,
        "name": "Trivial kettle",
        "description": "",
        "category": "kettles",
        "price": price,
        "available": 9,
    }


def _page(items: list[Any]) -> bytes:
    return json.dumps({"items": items, "next_cursor": None}).encode()


_CATALOGUE = _page([_product(sku) for sku in SKUS])
_FIRST_PAGE = _page([_product(sku) for sku in SKUS[:20]])
_CATEGORIES = json.dumps({"items": [{"name": "kettles", "product_count": len(SKUS)}]}).encode()
_NOTHING = _page([])


class TrivialShop:
    """Answers a request with (status, body); None: the connection is closed, status 0: nothing is ever said."""

    def __init__(self, fault: str) -> None:
        self._fault = fault
        self._numbers = count(1)
        self._prices: dict[str, int] = {}
        self._orders: list[dict[str, Any]] = []  # of all customers: there is but one

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, bytes] | None:
        """Return the answer. What the load asks before it starts is never faulty."""
        if path == "/tokens/batch":
            return 200, self._tokens(json.loads(body))
        if path.startswith("/products?limit=100"):
            return 200, _CATALOGUE
        faulty: dict[str, Callable[[], tuple[int, bytes] | None]] = {
            "empty": lambda: (201 if method == "POST" else 200, b""),
            "malformed": lambda: (201 if method == "POST" else 200, b'{"items": [{"sku": "'),
            "error": lambda: (500, b'{"code": "internal_error"}'),
            "out-of-stock": lambda: (409, b'{"code": "out_of_stock"}'),
            "hang-up": lambda: None,
            "silent": lambda: (0, b""),
        }
        return faulty.get(self._fault, lambda: self._right(method, path, body))()

    def _right(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        if path.startswith("/products?"):
            return 200, _FIRST_PAGE
        if path.startswith("/products/"):
            return 200, json.dumps(self._product(path.split("/")[2], body)).encode()
        if path == "/categories":
            return 200, _CATEGORIES
        if path.endswith("/cancel"):
            return 200, json.dumps({"id": path.split("/")[2], "status": "cancelled"}).encode()
        if path == "/orders?limit=100" and self._fault != "forgetful":  # who reads them back
            return 200, _page(self._orders)
        return self._order(json.loads(body)) if method == "POST" else (200, _NOTHING)

    def _product(self, sku: str, body: bytes) -> dict[str, Any]:
        """Return a product, at the price that is set."""
        if b'"price"' in body:
            self._prices[sku] = json.loads(body)["price"]["amount"]
        return _product(sku) | {"price": {"amount": self._prices.get(sku, 100), "currency": "EUR"}}

    def _order(self, asked: dict[str, Any]) -> tuple[int, bytes]:
        prices = {} if self._fault == "stale-price" else self._prices
        lines = [line | {"unit_price": {"amount": prices.get(line["sku"], 100)}} for line in asked["lines"]]
        lines = [line | {"line_total": {"amount": line["unit_price"]["amount"] * line["quantity"]}} for line in lines]
        total = {"amount": sum(line["line_total"]["amount"] for line in lines), "currency": "EUR"}
        if asked.get("expected_total", total) != total:
            return 409, json.dumps({"code": "price_changed", "total": total}).encode()
        order = {"id": f"order-{next(self._numbers)}", "status": "confirmed", "lines": lines, "total": total}
        shown = total | {"amount": total["amount"] + (self._fault == "dearer")}
        self._orders.append(order | {"total": shown})
        return 201, json.dumps(order).encode()

    def _tokens(self, asked: dict[str, Any]) -> bytes:
        tokens = [{"subject": f"{asked['prefix']}-{n}", "access_token": f"token-{n}"} for n in range(asked["count"])]
        return json.dumps({"tokens": tokens}).encode()


class Connection(asyncio.Protocol):
    """One keep-alive connection."""

    def __init__(self, shop: TrivialShop) -> None:
        self._shop = shop
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport to answer on."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each whole request."""
        self._received += data
        while b"\r\n\r\n" in self._received:
            head, _, rest = self._received.partition(b"\r\n\r\n")
            announced = _LENGTH.search(head)
            length = int(announced.group(1)) if announced else 0
            if len(rest) < length:
                return
            method, path, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
            self._received = rest[length:]
            answer = self._shop.answer(method, path, rest[:length])
            if answer is None:
                self._transport.close()
            if not answer or not answer[0]:
                return
            self._transport.write(
                b"HTTP/1.1 %d -\r\ncontent-length: %d\r\n\r\n%b" % (answer[0], len(answer[1]), answer[1])
            )


async def serve(port: int, fault: str, address: str, certificate: str) -> None:
    """Serve until the process ends; over TLS with a file that holds a certificate and its key."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH) if certificate else None
    if tls is not None:
        tls.load_cert_chain(certificate)
    shop = TrivialShop(fault)
    server = await asyncio.get_running_loop().create_server(lambda: Connection(shop), address, port, ssl=tls)
    await server.serve_forever()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("--fault", choices=FAULTS, default="none")
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--certificate", default="")
    given = parser.parse_args()
    asyncio.run(serve(given.port, given.fault, given.address, given.certificate))


if __name__ == "__main__":
    main()
