"""One script of everything a shop is asked, and its answers with ids, times and traces masked."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.journeys.shop import RUN, Admin, Customer, Shop, order_body

TOLD_HEADERS = ("content-type", "location", "retry-after", "www-authenticate", "idempotent-replayed", "allow", "vary")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.\d]*(Z|\+00:00)")
CHAIR, LAMP = f"TWIN-CHAIR-{RUN.upper()}", f"TWIN-LAMP-{RUN.upper()}"
MONEY = {"amount": 100, "currency": "EUR"}
NOBODYS = "0197a3b2-0000-7000-8000-000000000000"


@dataclass
class Mask:
    """Gives each id a name in the order of its first appearance, so that the same script gives the same names."""

    names: dict[str, str] = field(default_factory=dict)

    def __call__(self, text: str) -> str:
        """Return `text` with ids and times masked."""

        def name(match: re.Match[str]) -> str:
            return self.names.setdefault(match[0], f"id-{len(self.names) + 1}")

        return TIME.sub("<time>", UUID.sub(name, text))

    def cursor(self, cursor: str) -> str:
        """Return what a cursor carries, masked."""
        return self(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode())


@dataclass(frozen=True)
class Exchange:
    """One request in words, and its masked answer."""

    request: str
    status: int
    headers: dict[str, str]
    body: Any


def play(shop: Shop) -> list[Exchange]:
    """Play the whole script against a shop and return what it answered."""
    mask = Mask()
    return [_masked(request, answer, mask) for request, answer in _script(shop)]


def _masked(request: str, answer: httpx.Response, mask: Mask) -> Exchange:
    headers = {name: mask(answer.headers[name]) for name in TOLD_HEADERS if name in answer.headers}
    if "allow" in headers:
        headers["allow"] = ", ".join(sorted(headers["allow"].replace(" ", "").split(",")))
    is_json = "json" in answer.headers.get("content-type", "") and bool(answer.content)
    body = answer.json() if is_json else answer.text
    if isinstance(body, dict) and body.get("trace_id"):
        body["trace_id"] = "<trace>"
    if isinstance(body, dict) and body.get("next_cursor"):
        body["next_cursor"] = mask.cursor(body["next_cursor"])
    return Exchange(request, answer.status_code, headers, json.loads(mask(json.dumps(body, sort_keys=True))))


def _script(shop: Shop) -> Iterator[tuple[str, httpx.Response]]:
    admin, customer = _somebody(shop, Admin, "admin"), _somebody(shop, Customer, "customer")
    yield from _the_catalog(shop, admin)
    yield from _orders(shop, admin, customer)
    yield from _refusals(shop, admin, customer)


def _somebody(shop: Shop, kind: type[Any], role: str) -> Any:
    subject = f"twin-{role}-{RUN}"
    return kind(shop, subject, shop.identity.token(subject, role))


def _the_catalog(shop: Shop, admin: Admin) -> Iterator[tuple[str, httpx.Response]]:
    for sku, price in ((CHAIR, 10_000), (LAMP, 2_550)):
        body = {"name": f"Twin {RUN}", "description": "Alike.", "category": f"twins-{RUN}",
                "price": {"amount": price, "currency": "EUR"}}  # fmt: skip
        yield f"create {sku}", shop.http.put(f"/products/{sku}", json=body, headers=admin.authorization)
        yield f"restock {sku}", admin.restock(sku, 50, key=f"restock-{sku}")
        yield f"restock {sku} again", admin.restock(sku, 50, key=f"restock-{sku}")
        yield f"restock {sku} otherwise", admin.restock(sku, 51, key=f"restock-{sku}")
    yield "first page", shop.http.get("/products", params={"limit": 5, "category": "Audio"})
    yield "search", shop.http.get("/products", params={"query": f"twin {RUN}", "limit": 1})
    yield "category", shop.http.get("/products", params={"category": f"twins-{RUN}"})
    for sku in (CHAIR, "NO-SUCH-CHAIR", "lower"):
        yield f"product {sku}", shop.http.get(f"/products/{sku}")
    for name, value in (("limit", "0"), ("cursor", "?"), ("query", "x" * 201), ("category", "\x00")):
        yield f"bad {name}", shop.http.get("/products", params={name: value})
    yield "HEAD", shop.http.head("/products")
    yield "OPTIONS", shop.http.options("/products")


def _orders(shop: Shop, admin: Admin, customer: Customer) -> Iterator[tuple[str, httpx.Response]]:
    bought = customer.place_order((CHAIR, 2), (LAMP, 1), key="bought")
    yield "buy", bought
    order = bought.json()
    yield "buy again", customer.place_order((CHAIR, 2), (LAMP, 1), key="bought")
    yield "buy otherwise", customer.place_order((CHAIR, 3), key="bought")
    yield "out of stock", customer.place_order((CHAIR, 99), key="too-many")
    yield "out of stock again", customer.place_order((CHAIR, 99), key="too-many")
    yield "price changed", customer.place_order((CHAIR, 1), expected_total=1, key="too-dear")
    yield "declined", customer.place_order((CHAIR, 1), payment_method="pm_declined", key="declined")
    yield "declined again", customer.place_order((CHAIR, 1), payment_method="pm_declined", key="declined")
    yield "order", customer.get(f"/orders/{order['id']}")
    yield "order, by an admin", admin.get(f"/orders/{order['id']}")
    yield "orders", customer.get("/orders", limit=3)
    yield "payment", customer.get(f"/payments/{order['payment_id']}")
    for key, amount in (("part", 4_000), ("part", 4_000), ("part", 4_001), ("more", 99_999), ("nothing", 0)):
        yield f"refund {amount}", admin.refund(order["payment_id"], amount, key=key)
    yield "refund dollars", admin.refund(order["payment_id"], 1, key="dollars", currency="USD")
    yield "cancel", customer.cancel(order["id"])
    yield "cancel again", customer.cancel(order["id"])
    yield "refund after that", admin.refund(order["payment_id"], 1, key="late")
    yield "the key after that", customer.place_order((CHAIR, 2), (LAMP, 1), key="bought")
    yield "payment after that", customer.get(f"/payments/{order['payment_id']}")
    rejected = customer.orders()[0]
    yield "cancel the declined one", customer.cancel(rejected["id"])
    yield "refund the declined one", admin.refund(rejected["payment_id"], 1, key="declined")
    yield "payment of the declined one", customer.get(f"/payments/{rejected['payment_id']}")
    for listed in customer.orders():
        if listed["reason"] in {"out_of_stock", "price_changed"}:
            yield f"payment of {listed['reason']}", customer.get(f"/payments/{listed['payment_id']}")
    customer.is_told(order["id"], "order_confirmed")
    customer.is_told(order["id"], "order_cancelled")
    yield "notifications", customer.get("/notifications", limit=2)


def _refusals(shop: Shop, admin: Admin, customer: Customer) -> Iterator[tuple[str, httpx.Response]]:
    stranger, nobody = _somebody(shop, Customer, "stranger"), {"Idempotency-Key": "k"}
    for path in (f"/orders/{NOBODYS}", "/orders/x", f"/payments/{NOBODYS}", "/payments/x"):
        yield f"stranger {path}", stranger.get(path)
    for path in ("/orders", "/notifications"):
        yield f"stranger {path}", stranger.get(path)
        yield f"bad limit {path}", stranger.get(path, limit=101)
        yield f"bad cursor {path}", stranger.get(path, cursor="!")
        yield f"nobody {path}", shop.http.get(path)
    yield "restock by a customer", customer.post(f"/products/{CHAIR}/restock", {"quantity": 1}, key="k")
    yield "refund by a customer", customer.post(f"/payments/{NOBODYS}/refunds", {"amount": MONEY}, key="k")
    yield "order by an admin", admin.place_order((CHAIR, 1), key="by-an-admin")
    bodies = {
        "no object": "[]",
        "no json": "{",
        "empty": "",
        "unknown field": json.dumps({**order_body((CHAIR, 1)), "x": 1}),
        "twice": '{"lines": [], "lines": [], "payment_method": "pm_ok"}',
        "no lines": json.dumps(order_body()),
        "unknown sku": json.dumps(order_body(("NO-SUCH-CHAIR", 1), (CHAIR, 1))),
        "odd method": json.dumps(order_body((CHAIR, 1), payment_method="visa")),
    }
    for name, content in bodies.items():
        headers = customer.authorization | {"Idempotency-Key": "odd", "Content-Type": "application/json"}
        yield f"order {name}", shop.http.post("/orders", content=content, headers=headers)
    headers = customer.authorization | {"Content-Type": "application/json"}
    yield "order without a key", shop.http.post("/orders", content="{", headers=headers)
    whole = json.dumps(order_body((CHAIR, 1)))
    for name, key in (("an empty", ""), ("a long", "k" * 129)):
        with_key = headers | {"Idempotency-Key": key}
        yield f"order with {name} key", shop.http.post("/orders", content=whole, headers=with_key)
        yield f"odd order with {name} key", shop.http.post("/orders", content="{}", headers=with_key)
    yield "order as text", shop.http.post("/orders", content="{}", headers=customer.authorization | nobody)
    yield "order by nobody", shop.http.post("/orders", content="{", headers=nobody)
    for method, path in (("PATCH", "/orders"), ("DELETE", f"/products/{CHAIR}"), ("PUT", "/webhooks/payments")):
        yield f"{method} {path}", shop.http.request(method, path, headers=customer.authorization)
    for path in ("/nothing", "/storefront", "/orders/", "/internal/charges", "/metrics", f"/orders/{NOBODYS}/x"):
        yield f"GET {path}", customer.get(path)
    for path in ("refunds", "cancel"):
        yield f"GET {path}", customer.get(f"/{'payments' if path == 'refunds' else 'orders'}/{NOBODYS}/{path}")
    yield "webhook unsigned", shop.http.post("/webhooks/payments", json={})
    for content in (b"{", b"{}"):
        signed = shop.provider.signed(content)
        yield f"webhook {content!r}", shop.http.post("/webhooks/payments", content=content, headers=signed)
