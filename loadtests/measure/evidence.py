"""Collects the evidence of a reconciliation: SQL views, public GETs, the provider's ledger, mails, old keys."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx

from loadtests.measure import history
from loadtests.measure.backlog import events_on_their_way
from loadtests.measure.books import Attempt, Books, Charge, Mail
from loadtests.measure.parties import Parties
from loadtests.measure.views import read_views
from shared.domain.order import RejectReason

# Bounds, so that a reconciliation after a long run takes seconds. `looked_at` says how far it went.
MAX_LISTS = 250
MAX_REPLAYS = 100
MAX_PAGES = 200
MAX_MAILS = 10_000  # in one answer of the mail server
HTTP_TIMEOUT_S = 15.0
ACCEPTED = 202
UNPROCESSABLE = 422


def read(parties: Parties, orders: Path | None, *, planted_poison: int = 0) -> Books:
    """Return the books of a stack; `orders` is the client's history. Sends old keys again, but never a new one."""
    attempts = history.attempts_of(orders) if orders else ()
    changes = history.changes_of(orders) if orders else ()
    repriced = {change.sku for change in changes if change.kind == "price"}
    earlier = {row.order_id: row.status for row in read_views(parties.databases)["v_orders"]}
    with httpx.Client(timeout=HTTP_TIMEOUT_S, limits=httpx.Limits(max_keepalive_connections=4)) as client:
        listed, replays = _ask_the_shop(client, parties, attempts)
        prices = {sku: price for sku, price in read_prices(client, parties.shop).items() if sku not in repriced}
        charges = _read_ledger(client, parties)
        dead_letters = _count_dead_letters(client, parties)
        rows = read_views(parties.databases)
        mails = _read_mails(client, parties)
    return Books(
        stack=parties.stack,
        mail_domain=parties.mail_domain,
        attempts=attempts,
        changes=changes,
        reads=history.reads_of(orders) if orders else (),
        orders=tuple(rows["v_orders"]),
        payments=tuple(rows["v_payments"]),
        stock=tuple(rows["v_stock"]),
        reservations=tuple(rows["v_reservations"]),
        notifications=tuple(rows["v_notifications"]),
        unfinished=tuple(rows["v_unfinished"]),
        charges=charges,
        mails=mails,
        dead_letters=dead_letters,
        events_owed=events_on_their_way(parties.broker_monitor),
        planted_poison=planted_poison,
        earlier=earlier,
        listed=listed,
        replays=replays,
        prices=prices,
    )


def _ask_the_shop(
    client: httpx.Client, parties: Parties, attempts: tuple[Attempt, ...]
) -> tuple[dict[str, frozenset[str]], tuple[Attempt, ...]]:
    """Return what customers are shown as their orders, and the answers to old keys, for a bounded number of each."""
    bought = [attempt for attempt in attempts if attempt.kind == "order" and attempt.status == 201]
    customers = list(dict.fromkeys(attempt.customer for attempt in bought))[:MAX_LISTS]
    tokens = {customer: token_of(client, parties.identity, customer) for customer in customers}
    listed = {
        customer: frozenset(order["id"] for order in orders_of(client, parties.shop, tokens[customer]))
        for customer in customers
    }
    replays = []
    for attempt in _worth_a_replay(parties, attempts):
        token = tokens.get(attempt.customer) or token_of(client, parties.identity, attempt.customer)
        replays.append(_replay(client, parties.shop, token, attempt))
    return listed, tuple(replays)


def _worth_a_replay(parties: Parties, attempts: tuple[Attempt, ...]) -> list[Attempt]:
    """Return a bounded choice of placed orders, the doubtful ones first. A key that is free is left alone.

    A request that came with another body than its key's first one (422) is not what the key stands for.
    """
    standing = {
        (row.customer_id, row.idempotency_key)
        for row in read_views(parties.databases)["v_orders"]
        if row.reason != RejectReason.UNAVAILABLE
    }
    placed: dict[tuple[str, str], Attempt] = {}
    for a in attempts:
        if a.kind == "order" and a.status != UNPROCESSABLE and (a.customer, a.key) in standing:
            known = placed.get((a.customer, a.key))
            # Where bodies differ, the key is of the one that was answered with an order; else of one without an answer.
            if known is None or known.request == a.request or _may_have_key(a) > _may_have_key(known):
                placed[a.customer, a.key] = a
            elif known.is_unanswered and a.is_unanswered:
                del placed[a.customer, a.key]
                standing.discard((a.customer, a.key))
    return sorted(placed.values(), key=lambda a: (a.status == 201, not a.is_unanswered))[:MAX_REPLAYS]


def _may_have_key(attempt: Attempt) -> int:
    """Return how likely the key's order is this attempt's: surely (2), perhaps (1), or not, for it has failed (0)."""
    return 2 if attempt.is_final or attempt.status == ACCEPTED else int(attempt.is_unanswered)


def _replay(client: httpx.Client, shop: str, token: str, attempt: Attempt) -> Attempt:
    answer = client.post(
        f"{shop}/orders",
        content=json.dumps(dict(attempt.request)),
        headers={
            "Authorization": f"Bearer {token}",
            "Idempotency-Key": attempt.key,
            "Content-Type": "application/json",
        },
    )
    body = _json(answer)
    return Attempt(
        kind="order",
        customer=attempt.customer,
        key=attempt.key,
        status=answer.status_code,
        code=str(body.get("code", "")),
        order_id=str(body.get("id", "")),
        lines=attempt.lines,
        body=answer.text,
    )


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def token_of(client: httpx.Client, identity: str, customer: str) -> str:
    """Return a token of the identity provider for this customer."""
    answer = client.post(f"{identity}/tokens", json={"subject": customer, "roles": ["customer"]})
    return str(answer.raise_for_status().json()["access_token"])


def orders_of(client: httpx.Client, shop: str, token: str) -> Iterable[dict[str, Any]]:
    """Return the orders that the customer with this token is shown, the newest first, as the contract has them."""
    return _pages(client, f"{shop}/orders", {"Authorization": f"Bearer {token}"})


def read_prices(client: httpx.Client, shop: str) -> dict[str, int]:
    """Return what the public catalogue says each product costs, in minor units."""
    return {product["sku"]: product["price"]["amount"] for product in _pages(client, f"{shop}/products", {})}


def _pages(client: httpx.Client, url: str, headers: dict[str, str]) -> Iterable[dict[str, Any]]:
    cursor: str | None = None
    for _ in range(MAX_PAGES):
        query: dict[str, str] = {"limit": "100"} | ({"cursor": cursor} if cursor else {})
        page = client.get(url, params=query, headers=headers).raise_for_status().json()
        yield from page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return


def _read_ledger(client: httpx.Client, parties: Parties) -> tuple[Charge, ...]:
    answer = client.get(f"{parties.provider}/control/{parties.merchant}/ledger").raise_for_status().json()
    return tuple(
        Charge(
            key=charge["key"],
            charge_id=charge["charge_id"],
            status=charge["status"],
            amount=charge["amount"],
            currency=charge["currency"],
            refunds=tuple((refund["refund_key"], refund["amount"]) for refund in charge["refunds"]),
        )
        for charge in answer["charges"]
    )


def _read_mails(client: httpx.Client, parties: Parties) -> tuple[Mail, ...]:
    """Return all mails of this shop, page by page."""
    mails: list[dict[str, Any]] = []
    page: dict[str, str] = {}
    while True:
        asked = {"domain": parties.mail_domain, "limit": str(MAX_MAILS), **page}
        answer = client.get(f"{parties.mail}/messages", params=asked).raise_for_status().json()["messages"]
        mails += answer
        if len(answer) < MAX_MAILS:
            return tuple(Mail(mail["message_id"], mail["to"], mail["subject"]) for mail in mails)
        page = {"before": str(answer[-1]["number"])}


def _count_dead_letters(client: httpx.Client, parties: Parties) -> int:
    """Return how many messages the dead-letter stream holds; a build without a broker has none."""
    if parties.broker_monitor is None:
        return 0
    answer = client.get(f"{parties.broker_monitor}/jsz", params={"streams": "true"}).raise_for_status().json()
    streams = [stream for account in answer.get("account_details", ()) for stream in account.get("stream_detail", ())]
    return sum(stream["state"]["messages"] for stream in streams if stream["name"] == "DEAD")
