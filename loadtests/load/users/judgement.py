"""What an answer is worth: judged by its content, with refusals that belong to the shop told apart from failures."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from loadtests.load.generator.record import Outcome
from loadtests.load.users.journeys import LIST_LIMIT, Request

# Refusals that are right answers of a shop, by journey. Everything else that is not a success is a failure, 429
# included: rate limits are off in experiments.
BUSINESS_CODES: dict[str, frozenset[str]] = {
    "order": frozenset({"out_of_stock", "payment_declined"}),
    "cancel": frozenset({"not_cancellable"}),
}
SUCCESS: dict[str, frozenset[int]] = {"order": frozenset({201, 202}), "cancel": frozenset({200, 202})}
_OK = frozenset({200})


@dataclass(frozen=True)
class Judgement:
    """`code` is the problem's code, the order's status, or what is wrong with the content."""

    outcome: Outcome
    code: str
    order_id: str = ""


class WrongContent(ValueError):
    """A success whose body is not what was asked for."""


def judge(request: Request, status: int, content: bytes) -> Judgement:
    """Return what this answer is worth. `status` 0 means that none came."""
    if status == 0:
        return Judgement("unanswered", "no_answer")
    if status in SUCCESS.get(request.journey, _OK):
        try:
            return _judge_content(request, status, json.loads(content))
        except WrongContent as error:
            return Judgement("error", f"wrong_content: {error}")
        except (ValueError, KeyError, TypeError, IndexError):
            return Judgement("error", "wrong_content: malformed")
    code = _problem_code(content)
    names_a_total = request.journey == "order" and "expected_total" in (request.body or {})
    if code in BUSINESS_CODES.get(request.journey, ()) or (code == "price_changed" and names_a_total):
        return Judgement("business", code)
    return Judgement("error", code)


def _problem_code(content: bytes) -> str:
    try:
        return str(json.loads(content)["code"])
    except (ValueError, KeyError, TypeError):
        return "not_a_problem"


def _judge_content(request: Request, status: int, body: Any) -> Judgement:
    match request.journey:
        case "list" | "category" | "search":
            _check_products(request, body["items"])
        case "product":
            _expect(body["sku"] == request.about, "another product")
            _expect(body["price"]["amount"] >= 0, "no price")
        case "recommendations":
            _expect(body["sku"] == request.about, "another product")
            _expect(len(body["items"]) > 0 and bool(body["model"]), "nothing recommended")
        case "price" | "restock":
            _expect(body["sku"] == request.about, "another product")
            price = (request.body or {}).get("price", body["price"])
            _expect(body["price"] == price, "another price than was set")
        case "categories":
            _expect(len(body["items"]) > 0 and bool(body["items"][0]["name"]), "no categories")
        case "own_orders":
            _expect(all(order["id"] and order["status"] for order in body["items"]), "orders without id or status")
        case "notifications":
            _expect(all(message["order_id"] for message in body["items"]), "messages without an order")
        case "order":
            return _judge_order(request, status, body)
        case "cancel":
            expected = "cancelled" if status == 200 else "cancelling"
            _expect(body["id"] == request.about and body["status"] == expected, f"not {expected}")
            return Judgement("ok", expected, request.about)
    return Judgement("ok", "")


def _check_products(request: Request, items: list[Any]) -> None:
    # The searched word and the category come from the catalogue, so that there is always something to find.
    _expect(0 < len(items) <= LIST_LIMIT, f"{len(items)} products")
    for item in items:
        _expect(bool(item["sku"]) and item["price"]["amount"] >= 0, "a product without sku or price")
        if request.journey == "category":
            _expect(item["category"] == request.about, "a product of another category")


def _judge_order(request: Request, status: int, body: Any) -> Judgement:
    expected = "confirmed" if status == 201 else "payment_pending"
    _expect(body["status"] == expected, f"status is not {expected}")
    ordered = {line["sku"]: line["quantity"] for line in (request.body or {})["lines"]}
    got = {line["sku"]: line["quantity"] for line in body["lines"]}
    _expect(ordered == got, "other lines than ordered")
    lines_total = sum(line["line_total"]["amount"] for line in body["lines"])
    _expect(body["total"]["amount"] == lines_total, "the total is not the sum of the lines")
    _expect(body["total"] == (request.body or {}).get("expected_total", body["total"]), "not the total that was named")
    return Judgement("ok", expected, body["id"])


def _expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise WrongContent(otherwise)
