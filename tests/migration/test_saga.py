"""An order whose catalog is a service takes several commits; each of them may be the last one for a while."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from microservices.kit.inbox import NotYet
from migration.inside_monolith.outbox import Outbox
from migration.inside_monolith.payments import ExtractablePayments, ExtractableRefunds
from migration.inside_monolith.saga.cancel_order import cancel_order
from migration.inside_monolith.saga.place_order import place_order
from migration.inside_monolith.saga.recovery import SagaRecovery
from migration.inside_monolith.saga.settle import on_payment_events
from migration.inside_monolith.saga.steps import SagaSteps
from monolith.config import Settings
from monolith.orders import Shop
from monolith.payments import Charge, ChargeResult
from shared.contract.answers import Answer
from shared.contract.bodies import LineInput, MoneyBody, OrderInput, OrderLine
from shared.contract.events import PaymentEvent
from shared.contract.inner import Reservation
from shared.contract.parsing import Keyed
from shared.domain.errors import InvalidRequest, OutOfStock, Unavailable
from shared.domain.ids import new_id
from shared.domain.payment import PaymentStatus, RefundStatus
from shared.platform.metrics import Metrics
from shared.platform.tokens import Principal
from tests.monolith_stage import SECRET, declined, open_shop

ADA = Principal("ada", "ada@customers.example", frozenset({"customer"}))
BODY = OrderInput(lines=[LineInput(sku="CHAIR-1", quantity=2)], payment_method="pm_ok")
PRICE = MoneyBody(amount=500, currency="EUR")
TOTAL = MoneyBody(amount=1000, currency="EUR")
LINE = OrderLine(sku="CHAIR-1", name="Chair", quantity=2, unit_price=PRICE, line_total=TOTAL)


class Gate:
    """Says what a test wants to be out."""

    def __init__(self) -> None:
        self.out = {"notifications", "catalog"}

    def is_extracted(self, module: str) -> bool:
        return module in self.out


class Catalog:
    """Reserves, or fails as told."""

    def __init__(self) -> None:
        self.failure: Exception | None = None

    def reserve(self, *_: object) -> Reservation:
        if self.failure is not None:
            raise self.failure
        return Reservation(lines=[LINE], total=TOTAL)


class PaymentsService:
    """Answers as told; None is no answer."""

    def __init__(self) -> None:
        self.answer: PaymentStatus | None = PaymentStatus.CAPTURED
        self.refund: RefundStatus | None = RefundStatus.REFUNDED

    def charge(self, charge: Charge) -> ChargeResult | None:
        return ChargeResult(charge.order_id, self.answer) if self.answer else None

    def refund_remaining(self, _: str) -> RefundStatus | None:
        return self.refund


class Stage:
    """A monolith without its catalog, and what tests do with it."""

    def __init__(self, stage: Any) -> None:
        self.database, self.provider, self.rows, self.change = stage.database, stage.provider, stage.rows, stage.change
        self.gate, self.catalog, self.payments = Gate(), Catalog(), PaymentsService()
        provider = stage.modules.connections.provider
        parts: dict[str, Any] = {"gate": self.gate, "remote": self.payments, "retry_after_s": 10.0}
        charges = ExtractablePayments(self.database, provider, risk_ms=0, **parts)
        refunds = ExtractableRefunds(self.database, provider, metrics=Metrics(), **parts)
        outbox = Outbox(self.database, "", Metrics())
        services: Any = (self.gate, outbox, self.catalog, self.payments)
        self.steps = SagaSteps(*services, recovery_after_s=10.0, give_up_s=900.0)
        catalog, notifications = stage.modules.catalog, stage.modules.notifications
        self.shop = Shop(self.database, catalog, charges, refunds, notifications, 1800.0)

    def buy(self, key: str = "key-1") -> Answer:
        return place_order(self.shop, self.steps, ADA, Keyed(BODY, key, "fingerprint"))

    def recover(self) -> None:
        self.change("UPDATE sagas SET due_at = now() WHERE due_at IS NOT NULL")
        SagaRecovery(self.shop, self.steps, Metrics()).resume_due()

    def events(self) -> list[tuple[str, bool]]:
        rows = self.rows("SELECT type, payload FROM outbox ORDER BY id")
        return [(kind, json.loads(payload)["notify"]) for kind, payload in rows]

    def orders(self) -> list[tuple[Any, ...]]:
        return self.rows("SELECT status, reason, idempotency_key FROM orders")

    def hear(self, order_id: str, kind: str) -> None:
        about = {"payment_id": new_id(), "order_id": order_id, "amount": TOTAL, "origin": "cancel"}
        event = PaymentEvent.model_validate({"id": new_id(), "type": kind, "occurred_at": "", **about})
        with self.database.transaction() as connection:
            on_payment_events(self.steps, connection, [event])


@pytest.fixture
def stage(extraction_database_url: str) -> Iterator[Stage]:
    settings = Settings(twinshop_mode="local", database_url=extraction_database_url, webhook_secret=SECRET)
    with open_shop(settings) as shop:
        shop.change("TRUNCATE sagas, outbox, inbox")
        yield Stage(shop)
        shop.change("TRUNCATE sagas, outbox, inbox")  # nobody relays here, and others look for what is unfinished


def test_order_is_confirmed_and_told_by_one_event(stage: Stage) -> None:
    answer = stage.buy()

    assert (answer.status, json.loads(answer.body)["total"]["amount"]) == (201, 1000)
    assert stage.events() == [("order.confirmed", True)]
    assert stage.rows("SELECT status, amount FROM payments") == [("captured", 1000)]
    assert stage.buy().body == answer.body


def test_catalog_that_is_away_leaves_nothing_but_a_rejected_order(stage: Stage) -> None:
    stage.catalog.failure = Unavailable("The catalog is away.")

    with pytest.raises(Unavailable):
        stage.buy()

    assert stage.orders() == [("rejected", "unavailable", None)]
    assert stage.events() == [("order.rejected", False)]
    stage.catalog.failure = None
    assert stage.buy().status == 201


def test_unknown_product_leaves_nothing(stage: Stage) -> None:
    stage.catalog.failure = InvalidRequest("There is no such product.")

    with pytest.raises(InvalidRequest):
        stage.buy()

    assert (stage.orders(), stage.events(), stage.rows("SELECT * FROM sagas")) == ([], [], [])


def test_refusals_are_final_and_release(stage: Stage) -> None:
    stage.catalog.failure = OutOfStock("CHAIR-1")
    refused = stage.buy("key-1")
    stage.catalog.failure = None
    stage.provider.charge = declined
    declined_ = stage.buy("key-2")

    assert (refused.status, declined_.status) == (409, 402)
    assert stage.events() == [("order.rejected", False)] * 2
    assert stage.buy("key-1").body == refused.body


def test_order_that_a_crash_left_is_carried_on(stage: Stage) -> None:
    from monolith import idempotency  # noqa: PLC0415

    order_id = new_id()
    with stage.database.transaction() as connection:
        idempotency.claim(connection, "ada", Keyed(BODY, "key-1", "fingerprint"), order_id, idempotency.PLACE_ORDER)
        stage.steps.begin(connection, ADA, "key-1", order_id, BODY)

    stage.recover()

    assert stage.orders() == [("confirmed", None, "key-1")]
    assert stage.buy().status == 201
    assert stage.rows("SELECT * FROM sagas") == []


def test_remote_payment_without_an_answer_is_asked_for_again(stage: Stage) -> None:
    stage.gate.out.add("payments")
    stage.payments.answer = None
    assert stage.buy().status == 202

    stage.payments.answer = PaymentStatus.CAPTURED
    stage.recover()

    assert stage.orders() == [("confirmed", None, "key-1")]
    assert [kind for kind, _ in stage.events()] == ["order.payment_pending", "order.confirmed"]
    assert stage.rows("SELECT * FROM payments") == []


def test_events_settle_a_pending_order_once(stage: Stage) -> None:
    stage.gate.out.add("payments")
    stage.payments.answer = PaymentStatus.PENDING
    order_id = json.loads(stage.buy().body)["id"]

    for _ in range(2):
        stage.hear(order_id, "payment.declined")
    stage.hear(order_id, "payment.captured")

    assert stage.orders()[0][:2] == ("rejected", "payment_declined")
    assert [kind for kind, _ in stage.events()] == ["order.payment_pending", "order.rejected", "order.refund_due"]


def test_event_that_comes_before_the_answer_waits(stage: Stage) -> None:
    order_id = new_id()
    with stage.database.transaction() as connection:
        stage.steps.begin(connection, ADA, "key-1", order_id, BODY)

    with pytest.raises(NotYet):
        stage.hear(order_id, "payment.captured")


@pytest.mark.parametrize("payments", ["in", "out"])
def test_cancelled_order_gives_money_and_stock_back(stage: Stage, payments: str) -> None:
    if payments == "out":
        stage.gate.out.add("payments")
    order_id = json.loads(stage.buy().body)["id"]

    answer = cancel_order(stage.shop, stage.steps, "ada", order_id)

    assert (answer.status, stage.orders()[0][0]) == (200, "cancelled")
    assert stage.events()[-1] == ("order.cancelled", True)


def test_refund_without_an_answer_is_finished_by_the_event(stage: Stage) -> None:
    stage.gate.out.add("payments")
    order_id = json.loads(stage.buy().body)["id"]
    stage.payments.refund = None
    assert cancel_order(stage.shop, stage.steps, "ada", order_id).status == 202

    stage.hear(order_id, "payment.refunded")

    assert stage.orders()[0][0] == "cancelled"
