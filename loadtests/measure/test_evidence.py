"""Evidence is collected whole: every page, every mail, the answer to an old key as it came; and within bounds."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from loadtests.load.generator.history import OrderCall, OrderHistory
from loadtests.measure import evidence, history
from loadtests.measure.books import Attempt, OrderRow
from loadtests.measure.parties import Parties

PARTIES = Parties(
    stack="testshop",
    merchant="testshop",
    mail_domain="testshop.twinshop.example",
    shop="http://shop",
    databases=(),
    provider="http://provider",
    identity="http://identity",
    mail="http://mail",
    broker_monitor="http://broker",
)


def client(answer: Callable[[httpx.Request], httpx.Response]) -> httpx.Client:
    """A client whose other side is a function."""
    return httpx.Client(transport=httpx.MockTransport(answer))


def mail(number: int) -> dict[str, object]:
    """A mail as the mail server lists it."""
    return {
        "number": number,
        "message_id": f"<{number}>",
        "to": "ada@customers.example",
        "subject": "Your order is confirmed",
    }


def test_all_pages_of_the_catalogue_are_read() -> None:
    pages = {None: (["LAMP", "CHAIR"], "next"), "next": (["DESK"], None)}

    def answer(request: httpx.Request) -> httpx.Response:
        skus, cursor = pages[request.url.params.get("cursor")]
        items = [{"sku": sku, "price": {"amount": len(sku), "currency": "EUR"}} for sku in skus]
        return httpx.Response(200, json={"items": items, "next_cursor": cursor})

    assert evidence.read_prices(client(answer), "http://shop") == {"LAMP": 4, "CHAIR": 5, "DESK": 4}


def test_all_pages_of_mails_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "MAX_MAILS", 2)

    def answer(request: httpx.Request) -> httpx.Response:
        before = int(request.url.params.get("before", 6))
        return httpx.Response(200, json={"messages": [mail(n) for n in range(5, 0, -1) if n < before][:2]})

    mails = evidence._read_mails(client(answer), PARTIES)

    assert [one.message_id for one in mails] == ["<5>", "<4>", "<3>", "<2>", "<1>"]


def test_an_old_key_is_sent_again_with_the_body_of_the_first_time() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(402, text='{"code": "payment_declined"}')

    body = {"lines": [{"sku": "LAMP", "quantity": 2}], "payment_method": "pm_declined"}
    first = Attempt("order", "ada", "key-1", 402, "payment_declined", "", (("LAMP", 2),), "x", body)

    replay = evidence._replay(client(answer), "http://shop", "token", first)

    assert json.loads(seen[0].content) == body
    assert seen[0].headers["Idempotency-Key"] == "key-1"
    assert (replay.status, replay.code, replay.body) == (402, "payment_declined", '{"code": "payment_declined"}')


def test_dead_letters_are_counted_in_their_own_stream_only() -> None:
    streams = [{"name": "SHOP", "state": {"messages": 7}}, {"name": "DEAD", "state": {"messages": 2}}]

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"account_details": [{"stream_detail": streams}]})

    assert evidence._count_dead_letters(client(answer), PARTIES) == 2


def test_the_ledger_is_read_with_its_refunds() -> None:
    charge = {
        "key": "o-1", "charge_id": "c-1", "status": "captured", "amount": 500, "currency": "EUR",
        "payment_method": "pm_ok", "attempts": 1, "refunds": [{"refund_key": "r-1", "amount": 200}],
    }  # fmt: skip

    (read,) = evidence._read_ledger(client(lambda _: httpx.Response(200, json={"charges": [charge]})), PARTIES)

    assert (read.key, read.kept, read.refunds) == ("o-1", 300, (("r-1", 200),))


def test_a_party_that_fails_is_no_empty_evidence() -> None:
    with pytest.raises(httpx.HTTPStatusError):
        evidence._read_ledger(client(lambda _: httpx.Response(503)), PARTIES)


def test_a_read_whose_answer_was_cut_off_is_none(tmp_path: Path) -> None:
    with OrderHistory(tmp_path / "orders.jsonl", with_reads=True) as kept:
        for answer in (b'{"sku": "LAMP"}', b"", b'{"sku": "LA'):
            kept.add_read(1.0, 2.0, "ben", answer)

    reads = history.reads_of(tmp_path / "orders.jsonl")

    assert [(read.customer, read.body) for read in reads] == [("ben", {"sku": "LAMP"})]


def test_the_clients_history_becomes_attempts_in_the_order_of_the_answers() -> None:
    body = {"lines": [{"sku": "LAMP", "quantity": 2}], "payment_method": "pm_ok"}
    calls = [
        OrderCall("cancel", 3.0, 4.0, "ada", "", None, "o-1", 200, "cancelled", "{}"),
        OrderCall("place", 1.0, 2.0, "ada", "k", body, "o-1", 201, "confirmed", '{"id": "o-1"}'),
        OrderCall("place", 1.0, 9.0, "ben", "k2", body, "", 0, "no_answer", ""),
        OrderCall("place", 1.0, 9.5, "ben", "k3", body, "", 201, "wrong_content: malformed", ""),  # the head of one
    ]

    placed, cancelled, *without_answer = history.to_attempts(calls)

    assert (placed.kind, placed.is_final, placed.lines, placed.code) == ("order", True, (("LAMP", 2),), "")
    assert (cancelled.kind, cancelled.order_id) == ("cancel", "o-1")
    assert [one.is_unanswered for one in without_answer] == [True, True]
    assert [one.is_failed for one in without_answer] == [False, False]


def test_the_body_that_was_answered_is_sent_again_and_none_where_nobody_can_know(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keys = "known", "unknown", "first", "second"
    orders = [OrderRow(f"id-{key}", "ada", "confirmed", 1, "EUR", "p", None, key) for key in keys]
    monkeypatch.setattr(evidence, "read_views", lambda _: {"v_orders": orders})
    one, other = {"quantity": 1}, {"quantity": 2}
    attempts = (
        Attempt("order", "ada", "known", 0, request=one),
        Attempt("order", "ada", "known", 201, request=other),
        Attempt("order", "ada", "known", 422, "idempotency_key_reused", request=one),
        Attempt("order", "ada", "unknown", 0, request=one),
        Attempt("order", "ada", "unknown", 504, request=other),
        Attempt("order", "ada", "first", 504, request=one),
        Attempt("order", "ada", "first", 503, "unavailable", request=other),
        Attempt("order", "ada", "second", 503, "unavailable", request=one),
        Attempt("order", "ada", "second", 504, request=other),
    )

    chosen = evidence._worth_a_replay(PARTIES, attempts)

    assert {one.key: one.request for one in chosen} == {"known": other, "first": one, "second": other}
