"""An order whose answer got lost: pressing again never orders twice, and the page says only what it knows."""

from __future__ import annotations

import json
from collections.abc import Callable

from playwright.sync_api import Route, expect

from shared.contract.problems import problem
from tests.browser.test_shopping import stocked
from tests.browser.visitor import Visitor
from tests.journeys.shop import Admin

WORKS, DECLINED = "Test card that works", "Test card that is declined"
Trouble = Callable[[Route], None]


def lost_on_the_way_back(code: str) -> Trouble:
    """The shop takes the request; its answer is replaced by this problem."""

    def answer(route: Route) -> None:
        route.fetch()
        problem_answer(code)(route)

    return answer


def problem_answer(code: str) -> Trouble:
    """The request never reaches the shop; the edge tells this problem."""

    def answer(route: Route) -> None:
        refusal = problem(code, trace_id="t")
        route.fulfill(status=refusal.status, headers=refusal.headers, body=json.dumps(refusal.body))

    return answer


def lost_on_the_way_there(route: Route) -> None:
    """The network is cut."""
    route.abort()


class Orders:
    """Every POST /orders of a page: what was sent, and what trouble the next ones meet."""

    def __init__(self, visitor: Visitor) -> None:
        visitor.may_be_refused = True
        self.sent: list[tuple[str, str]] = []  # key, payment method
        self._troubles: list[Trouble] = []
        visitor.page.route("**/orders", self._on_route)

    def meet(self, *troubles: Trouble) -> None:
        """Let the next requests meet these, one each; those that follow reach the shop and are answered."""
        self._troubles = list(troubles)

    @property
    def keys(self) -> list[str]:
        """The keys in the order in which they were sent."""
        return [key for key, _ in self.sent]

    def _on_route(self, route: Route) -> None:
        request = route.request
        if request.method != "POST":
            route.continue_()
            return
        self.sent.append((request.headers["idempotency-key"], json.loads(request.post_data or "")["payment_method"]))
        if self._troubles:
            self._troubles.pop(0)(route)
        else:
            route.continue_()


def at_the_counter(visitor: Visitor, admin: Admin) -> str:
    """Sign in with one fresh product in the cart; return its name."""
    name = stocked(admin, 5)
    visitor.opens()
    visitor.signs_in()
    visitor.searches(name)
    visitor.puts_into_cart(name)
    return name


def has_ordered_once(visitor: Visitor, name: str, status: str = "confirmed") -> None:
    """Wait until the customer's orders show this product, in one order only."""
    cards = visitor.page.locator(".order").filter(has_text=name)
    expect(cards).to_have_count(1)
    expect(cards).to_have_attribute("data-status", status, timeout=15_000)


def test_pressing_again_after_a_504_and_a_503_orders_once(visitor: Visitor, admin: Admin) -> None:
    name, orders = at_the_counter(visitor, admin), Orders(visitor)
    orders.meet(lost_on_the_way_back("deadline_exceeded"), problem_answer("unavailable"))

    visitor.orders()
    visitor.is_told("That took too long.")
    visitor.orders()
    visitor.is_told("We do not know yet whether your order went through.")
    expect(visitor.page.get_by_role("status")).not_to_contain_text("Nothing was ordered")
    visitor.orders()

    visitor.is_told("Thank you. Your order is confirmed.")
    has_ordered_once(visitor, name)
    assert len(set(orders.keys)) == 1


def test_a_503_alone_is_told_as_nothing_ordered(visitor: Visitor, admin: Admin) -> None:
    name, orders = at_the_counter(visitor, admin), Orders(visitor)
    orders.meet(problem_answer("unavailable"))

    visitor.orders()
    visitor.is_told("Nothing was ordered or charged.")
    visitor.orders()

    visitor.is_told("Thank you. Your order is confirmed.")
    has_ordered_once(visitor, name)


def test_another_way_to_pay_does_not_order_again(visitor: Visitor, admin: Admin) -> None:
    name, orders = at_the_counter(visitor, admin), Orders(visitor)
    orders.meet(lost_on_the_way_back("deadline_exceeded"))
    visitor.orders(WORKS)
    visitor.is_told("That took too long.")

    visitor.orders(DECLINED)

    visitor.is_told("The order that you had sent before went through")
    has_ordered_once(visitor, name)
    assert orders.sent == [(orders.keys[0], "pm_ok")] * 2


def test_another_way_to_pay_is_used_once_the_first_is_known_to_have_failed(visitor: Visitor, admin: Admin) -> None:
    name, orders = at_the_counter(visitor, admin), Orders(visitor)
    orders.meet(lost_on_the_way_there)
    visitor.orders(DECLINED)
    visitor.is_told("The shop cannot be reached.")

    visitor.orders(WORKS)

    visitor.is_told("Thank you. Your order is confirmed.")
    cards = visitor.page.locator(".order").filter(has_text=name)
    expect(cards).to_have_count(2)
    assert [card.get_attribute("data-status") for card in cards.all()] == ["confirmed", "rejected"]
    assert [method for _, method in orders.sent] == ["pm_declined", "pm_declined", "pm_ok"]
    assert orders.keys[0] == orders.keys[1] != orders.keys[2]


def test_the_key_outlives_a_reload_and_a_new_sign_in(visitor: Visitor, admin: Admin) -> None:
    name, orders = at_the_counter(visitor, admin), Orders(visitor)
    orders.meet(lost_on_the_way_back("deadline_exceeded"), problem_answer("unauthenticated"))
    visitor.orders()
    visitor.is_told("That took too long.")
    visitor.page.reload()
    visitor.orders()
    visitor.is_told("We do not know yet whether your order went through.")

    visitor.signs_in()
    visitor.orders()

    visitor.is_told("Thank you. Your order is confirmed.")
    has_ordered_once(visitor, name)
    assert len(set(orders.keys)) == 1


def test_a_changed_cart_is_ordered_only_after_the_first_order_is_known(visitor: Visitor, admin: Admin) -> None:
    name, orders = at_the_counter(visitor, admin), Orders(visitor)
    orders.meet(lost_on_the_way_back("deadline_exceeded"))
    visitor.orders()
    visitor.is_told("That took too long.")
    visitor.page.get_by_label(f"Quantity of {name}").fill("2")
    visitor.page.keyboard.press("Tab")

    visitor.orders()

    visitor.is_told("What is in your cart now is not ordered yet.")
    has_ordered_once(visitor, name)
    expect(visitor.page.locator("#cart-count")).to_have_text("2")


def test_a_customer_who_comes_back_is_shown_what_is_still_open(visitor: Visitor, admin: Admin) -> None:
    name, orders = at_the_counter(visitor, admin), Orders(visitor)
    orders.meet(lost_on_the_way_back("deadline_exceeded"))
    visitor.orders()
    visitor.is_told("That took too long.")
    visitor.page.get_by_label(f"Quantity of {name}").fill("0")
    visitor.page.keyboard.press("Tab")

    visitor.opens("#/cart")
    visitor.page.get_by_role("button", name="Ask what became of it").click()

    visitor.is_told("The order that you had sent before went through")
    has_ordered_once(visitor, name)


def test_another_customer_of_this_browser_has_keys_of_their_own(visitor: Visitor, admin: Admin) -> None:
    name, orders = at_the_counter(visitor, admin), Orders(visitor)
    orders.meet(lost_on_the_way_back("deadline_exceeded"))
    visitor.orders()
    visitor.is_told("That took too long.")

    visitor.signs_in("Jonas Lindqvist")
    visitor.orders()

    visitor.is_told("Thank you. Your order is confirmed.")
    has_ordered_once(visitor, name)
    assert len(set(orders.keys)) == 2
