"""The eleven rules of the design that settle the hard cases; each has its test, here or beside its journey.

Rule 4's are in test_faults.py, for they need a part held down.
"""

from __future__ import annotations

import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psycopg
import pytest

from shared.domain.ids import new_id
from tests.arms import Arm, Session
from tests.journeys import broker
from tests.journeys.answers import expect, expect_problem
from tests.journeys.books import views_of
from tests.journeys.interrupted import Interrupted
from tests.journeys.settling import LateOrders
from tests.journeys.shop import Admin, Customer, Shop, new_key
from tests.journeys.test_faults import held, sells_again
from tests.journeys.test_inner_routes import service_token
from tests.journeys.waiting import until
from twinshop import dead_letters
from twinshop.dead_letters import DeadLetter

REQUEST_DEADLINE_S = 8.0
CANCEL_WINDOW_S = 1800.0
SHIFTED = "UPDATE orders SET created_at = created_at + make_interval(secs => %s) WHERE id = %s"


@pytest.mark.settlement
def test_rule_01_a_timeout_is_no_decline_the_charge_is_sent_again_with_its_key(
    shop: Shop, late_orders: LateOrders
) -> None:
    late = late_orders.orders["pm_lost"]  # a look-up alone would find nothing, and nothing was taken

    late.customer.order_becomes(late.id, "confirmed", within_s=25)

    charges = [charge for charge in shop.provider.ledger() if charge["key"] == late.id]
    assert [(charge["status"], charge["attempts"]) for charge in charges] == [("captured", 2)]


@pytest.mark.aftermath
def test_rule_01_a_capture_that_shows_up_after_the_rejection_is_refunded_in_full(
    shop: Shop, admin: Admin, customer: Customer
) -> None:
    expect_problem(
        customer.place_order((admin.stocks(price=7_700), 1), payment_method="pm_declined"), 402, "payment_declined"
    )
    order = customer.orders()[0]
    shop.provider.forget()  # so that the provider can change its mind

    shop.provider.capture(order["id"], amount=7_700)
    shop.provider.redeliver(order["id"])

    def refunds() -> list[int]:
        charge = shop.provider.charge(order["id"])
        return [refund["amount"] for refund in charge["refunds"]] if charge else []

    assert until("the money goes back", refunds, within_s=15) == [7_700]
    assert customer.order(order["id"])["status"] == "rejected"


@pytest.mark.settlement
def test_rule_02_while_the_order_is_pending_a_replay_gets_the_current_202(late_orders: LateOrders) -> None:
    late, replay = late_orders.orders["pm_lost"], late_orders.while_pending["replay"]

    assert expect(replay, 202) == expect(late.answer, 202)
    assert replay.headers["idempotent-replayed"] == "true"


def test_rule_02_what_is_not_final_is_not_kept(admin: Admin, customer: Customer) -> None:
    armchair, key = admin.stocks(), new_key()
    refused = [
        customer.shop.http.post("/orders", content=b"{", headers=customer.authorization
                                | {"Idempotency-Key": key, "Content-Type": "application/json"}),
        customer.place_order((armchair, 101), key=key),
        customer.place_order(("NO-SUCH-CHAIR", 1), key=key),
    ]  # fmt: skip

    answer = customer.place_order((armchair, 1), key=key)

    assert [each.status_code for each in refused] == [400, 422, 422]
    expect(answer, 201)


@pytest.mark.settlement
def test_rule_03_a_loop_takes_no_row_that_a_request_may_still_hold(late_orders: LateOrders) -> None:
    second_attempts = late_orders.watched()

    assert set(second_attempts) == {"pm_timeout_silent", "pm_lost"}
    assert all(after_s > REQUEST_DEADLINE_S for after_s in second_attempts.values()), second_attempts


@pytest.mark.settlement
def test_rule_05_a_reservation_stays_while_its_order_is_undecided(late_orders: LateOrders) -> None:
    product = expect(late_orders.while_pending["product"], 200)

    assert product["available"] == 3


@pytest.mark.fault
def test_rule_05_a_release_that_comes_first_leaves_a_tombstone(
    arm: Arm, admin: Admin, customer: Customer, curl: httpx.Client
) -> None:
    if arm.part_of("catalog") == "web":
        pytest.skip("one transaction reserves and releases: nothing can overtake it")
    armchair = admin.stocks(stock=3)
    with held(arm, arm.database_of("catalog"), kill=True):
        expect_problem(customer.place_order((armchair, 2)), 503, "unavailable")
    sells_again(admin, customer)
    (order,) = customer.orders()

    def reservation() -> list[str]:
        return [row.status for row in views_of(arm)["v_reservations"] if row.order_id == order["id"]]

    assert until("the release has arrived", reservation) == ["tombstone"]
    if arm.name == "microservices":
        body = {"order_id": order["id"], "lines": [{"sku": armchair, "quantity": 2}]}
        headers = {"Authorization": service_token(arm, "orders", "catalog")}
        late = curl.post(f"{arm.part_url('catalog')}/internal/reservations", json=body, headers=headers)
        expect_problem(late, 409, "reservation_refused")
    assert admin.shop.available(armchair) == 3


def test_rule_06_stock_is_locked_in_sku_order_so_that_no_two_orders_wait_for_each_other(
    shop: Shop, admin: Admin
) -> None:
    skus = [admin.stocks(word, stock=100) for word in ("ANVIL", "BELLOWS", "CHISEL")]
    crowd = [shop.customer("crossing-chris") for _ in range(24)]

    def cross(number: int) -> httpx.Response:
        turned = skus[number % 3 :] + skus[: number % 3]
        return crowd[number].place_order(*[(sku, 1) for sku in (turned if number % 2 else turned[::-1])])

    with ThreadPoolExecutor(24) as threads:
        answers = list(threads.map(cross, range(24)))

    assert {answer.status_code for answer in answers} == {201}
    assert [shop.available(sku) for sku in skus] == [76, 76, 76]


@pytest.mark.settlement
def test_rule_07_what_waits_for_its_payment_cannot_be_cancelled(late_orders: LateOrders) -> None:
    expect_problem(late_orders.while_pending["cancel"], 409, "not_cancellable")


def test_rule_07_the_window_for_cancelling_closes(arm: Arm, admin: Admin, customer: Customer) -> None:
    order = customer.buy((admin.stocks(), 1))

    with psycopg.connect(arm.database_url("orders"), autocommit=True) as orders:
        orders.execute(SHIFTED, [-CANCEL_WINDOW_S - 1, order["id"]])
        too_late = customer.cancel(order["id"])
        orders.execute(SHIFTED, [61.0, order["id"]])  # a minute is left
        in_time = customer.cancel(order["id"])

    expect_problem(too_late, 409, "not_cancellable")
    expect(in_time, 200)


def test_rule_07_cancelling_refunds_what_admin_refunds_have_left(shop: Shop, admin: Admin, customer: Customer) -> None:
    order = customer.buy((admin.stocks(price=10_000), 1))
    expect(admin.refund(order["payment_id"], 1_234), 200)

    first, second = customer.cancel(order["id"]), customer.cancel(order["id"])

    assert expect(first, 200) == expect(second, 200)
    charge = shop.provider.charge(order["id"])
    assert charge is not None
    assert [refund["amount"] for refund in charge["refunds"]] == [1_234, 8_766]


def test_rule_08_what_is_told_twice_and_in_any_order_happens_once(shop: Shop, admin: Admin, customer: Customer) -> None:
    armchair = admin.stocks(stock=5, price=10_000)
    shop.provider.behave(webhook={"mode": "always", "duplicates": 5, "shuffle": True})
    try:
        order = customer.buy((armchair, 2))
        expect(admin.refund(order["payment_id"], 5_000), 200)
        expect(customer.cancel(order["id"]), 200)
        time.sleep(1.5)  # the provider shuffles within a second
    finally:
        shop.provider.heal()

    assert customer.order(order["id"])["status"] == "cancelled"
    assert customer.payment(order["payment_id"])["refunded"]["amount"] == 20_000
    until("the goods are back", lambda: shop.available(armchair) == 5)


@pytest.mark.fault
def test_rule_08_events_that_come_again_backwards_change_nothing(
    arm: Arm, shop: Shop, admin: Admin, customer: Customer
) -> None:
    if not arm.has_broker:
        pytest.skip("no events: one transaction does it all")
    armchair = admin.stocks(stock=5)
    order = customer.buy((armchair, 2))
    expect(customer.cancel(order["id"]), 200)
    customer.is_told(order["id"], "order_cancelled")
    until("the goods are back", lambda: shop.available(armchair) == 5)
    before = customer.order(order["id"])

    events = broker.events_about(arm, order["id"])
    broker.publish(arm, events[::-1])
    broker.publish(arm, events)
    customer.is_told(customer.buy((admin.stocks(), 1))["id"], "order_confirmed")  # all that came before was handled

    assert {"order.confirmed", "order.cancelled"} <= set(broker.kinds_of(events))
    assert customer.order(order["id"]) == before
    assert shop.available(armchair) == 5
    assert len(customer.notifications(order["id"])) == 2
    assert len(shop.mailbox.mails(order["id"], "order_confirmed")) == 1


@pytest.mark.long
@pytest.mark.aftermath
def test_rule_07_a_cancellation_whose_refund_is_refused_stays_open_until_the_ledgers_agree(
    arm: Arm, shop: Shop, admin: Admin, customer: Customer, curl: httpx.Client
) -> None:
    order = customer.buy((admin.stocks(price=7_700), 1))
    shop.provider.refund(order["id"], 7_700)  # so that nothing is left of which the shop knows everything
    before = refused_refunds(arm, curl)

    expect(customer.cancel(order["id"]), 202)

    until("it is refused again", lambda: refused_refunds(arm, curl) >= before + 2, within_s=30)
    open_work = {(row.kind, row.state) for row in views_of(arm)["v_unfinished"]}
    assert {("order", "cancelling"), ("refund", "pending")} <= open_work
    assert customer.order(order["id"])["status"] == "cancelling"
    assert customer.payment(order["payment_id"])["refunded"]["amount"] == 0

    shop.provider.forget()
    shop.provider.capture(order["id"], amount=7_700)

    customer.order_becomes(order["id"], "cancelled", within_s=30)
    assert customer.payment(order["payment_id"])["refunded"]["amount"] == 7_700


def refused_refunds(arm: Arm, curl: httpx.Client) -> float:
    """Return what the part that does the work of payments has counted of refused refunds."""
    lines = curl.get(f"{arm.part_url('payments')}/metrics").text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("refunds_refused_total"))


@pytest.mark.aftermath
def test_rule_08_what_cannot_be_decoded_is_put_aside_and_blocks_nobody(
    arm: Arm, admin: Admin, customer: Customer
) -> None:
    if not arm.has_broker:
        pytest.skip("no events: one transaction does it all")
    before = broker.dead_letters(arm)

    poison = [b"\xff\xfe", b"{}", json.dumps({"id": "x", "type": "order.confirmed"}).encode()]
    broker.publish(arm, [broker.Message("shop.order.confirmed", data, {}) for data in poison])

    until("the poison is put aside", lambda: broker.dead_letters(arm) >= before + len(poison))
    customer.is_told(customer.buy((admin.stocks(), 1))["id"], "order_confirmed")


@pytest.mark.aftermath
def test_rule_08_an_event_that_no_database_can_hold_is_put_aside_and_can_be_sent_again(
    arm: Arm, admin: Admin, customer: Customer
) -> None:
    if not arm.has_broker:
        pytest.skip("no events: one transaction does it all")
    order = customer.buy((admin.stocks(), 1))
    customer.is_told(order["id"], "order_confirmed")
    (event,) = [one for one in broker.events_about(arm, order["id"]) if one.subject == "shop.order.confirmed"]
    body = json.loads(event.data) | {"id": new_id()}
    stack = arm.runner.stack
    last = max((letter.number for letter in dead_letters.read(stack)), default=0)

    def letters_after(number: int) -> list[DeadLetter]:
        return [letter for letter in dead_letters.read(stack) if letter.number > number]

    for wrong in ({"order_id": "x"}, {"email": "a\x00b@customers.example"}, {"version": 2**40}):
        broker.publish(arm, [broker.Message(event.subject, json.dumps(body | wrong).encode(), {})])

    reasons = {"order_id: value_error", "email: value_error", "version: less_than"}
    until("all are put aside", lambda: reasons <= {letter.reason for letter in letters_after(last)})
    letters = letters_after(last)
    assert {letter.subject for letter in letters} == {event.subject}

    dead_letters.remove(stack, letters[:1], send_again=True)

    until(
        "what still cannot be read comes back",
        lambda: letters[0].reason in {letter.reason for letter in letters_after(letters[-1].number)},
    )


def readiness(arm: Arm, curl: httpx.Client, service: str) -> int:
    """Return what /readyz of the part that does this service's work says."""
    return curl.get(f"{arm.part_url(service)}/readyz").status_code


@pytest.mark.fault
def test_rule_09_a_part_is_ready_without_its_peers(arm: Arm, stacks: Session, curl: httpx.Client) -> None:
    away = [part for part in ("broker", "payments", "catalog") if part in {p.name for p in arm.runner.stack.parts}]
    stacks.outside.hold("provider")
    for part in away:
        arm.runner.hold(part)
    try:
        ready = readiness(arm, curl, "orders")
    finally:
        for part in away:
            arm.runner.release(part)
        stacks.outside.release("provider")

    assert ready == 200


@pytest.mark.fault
def test_rule_09_losing_payments_or_the_broker_does_not_take_orders_away(
    arm: Arm, admin: Admin, customer: Customer, awaited: list[tuple[Customer, str]]
) -> None:
    if arm.name != "microservices":
        pytest.skip("payments cannot be lost alone")
    armchair = admin.stocks(stock=5)
    with held(arm, "payments", kill=True):
        waiting = expect(customer.place_order((armchair, 1)), 202)
    with held(arm, "broker", kill=True), held(arm, "notifications", kill=True):
        confirmed = customer.place_order((armchair, 1))

    assert expect(confirmed, 201)["status"] == "confirmed"
    awaited.append((customer, waiting["id"]))
    customer.is_told(confirmed.json()["id"], "order_confirmed", within_s=15)


@pytest.mark.fault
def test_rule_09_without_its_own_database_a_part_lives_but_is_not_ready(arm: Arm, curl: httpx.Client) -> None:
    with held(arm, arm.database_of("orders"), kill=True):
        unready = until("it has noticed", lambda: (got := readiness(arm, curl, "orders")) != 200 and got)
        alive = curl.get(f"{arm.part_url('orders')}/healthz").status_code

    assert (unready, alive) == (503, 200)
    until("it is ready again", lambda: readiness(arm, curl, "orders") == 200)


@pytest.mark.settlement
@pytest.mark.parametrize("name", ["order while it hangs", "order while it fails"])
def test_rule_10_a_request_asks_the_provider_once(interrupted: Interrupted, name: str) -> None:
    assert interrupted.attempts[name] == 1


@pytest.mark.settlement
def test_rule_10_deadlines_are_kept_whatever_the_transport(interrupted: Interrupted) -> None:
    assert len(interrupted.took_s) == 4
    assert max(interrupted.took_s.values()) < 4, interrupted.took_s


def test_rule_11_the_providers_ledger_can_be_read_for_each_arm(shop: Shop, admin: Admin, customer: Customer) -> None:
    order = customer.buy((admin.stocks(), 1))

    ledgers = {name: shop.provider.of_merchant(name) for name in ("monolith", "microservices", "colocated")}

    merchants = [name for name, provider in ledgers.items() if provider.charge(order["id"]) is not None]
    assert merchants == [shop.name]


def test_every_rule_has_a_test_that_bears_its_number() -> None:
    tests = "".join(path.read_text("utf-8") for path in Path(__file__).parent.glob("test_*.py"))

    assert {int(number) for number in re.findall(r"def test_rule_(\d\d)_", tests)} == set(range(1, 12))
