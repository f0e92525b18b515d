"""The schemas of the file are those of the models that both builds parse with and answer with."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from pydantic import BaseModel
from schemathesis.specs.openapi.stateful.links import OpenApiLink

from shared.contract import bodies
from shared.contract.problems import PROBLEM_MEDIA_TYPE, RETRYABLE_CODES, TABLE
from tests.contract.spec import operations, spec

REQUESTS = (
    bodies.LineInput,
    bodies.OrderInput,
    bodies.ProductInput,
    bodies.RestockInput,
    bodies.RefundInput,
    bodies.WebhookInput,
)
ANSWERS = (
    bodies.Product,
    bodies.ProductPage,
    bodies.Category,
    bodies.CategoryList,
    bodies.OrderLine,
    bodies.Order,
    bodies.OrderPage,
    bodies.Payment,
    bodies.Refund,
    bodies.Notification,
    bodies.NotificationPage,
    bodies.WebhookAnswer,
)
REQUEST_MONEY, RESPONSE_MONEY = "MoneyInput", "Money"  # the currency may be left out in a request
COMMON = {"408", "429", "431", "500", "503", "504"}


def plain(schema: Any, money: str) -> Any:
    """Return a schema without words for people, `null` written in one way, and references by name.

    In an answer every field is required: what has a default is written too.
    """
    if isinstance(schema, list):
        return [plain(item, money) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return {"ref": money if name == "MoneyBody" else name}
    bare = {key: plain(value, money) for key, value in schema.items() if key not in ("title", "description", "$defs")}
    if "properties" in schema:  # a property may well be called `title` or `description`
        bare["properties"] = {name: plain(value, money) for name, value in schema["properties"].items()}
        bare["required"] = sorted(schema["properties"] if money == RESPONSE_MONEY else schema.get("required", ()))
    either = bare.get("anyOf", ())
    if len(either) == 2 and either[1] == {"type": "null"} and "type" in either[0]:
        del bare["anyOf"]
        bare |= either[0] | {"type": [either[0]["type"], "null"]}
    return bare


@pytest.mark.parametrize(
    ("model", "mode"),
    [*((model, "validation") for model in REQUESTS), *((model, "serialization") for model in ANSWERS)],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_a_model_and_its_schema_say_the_same(model: type[BaseModel], mode: Any) -> None:
    money = REQUEST_MONEY if mode == "validation" else RESPONSE_MONEY
    schemas = spec()["components"]["schemas"]
    generated = model.model_json_schema(mode=mode)

    assert plain(schemas[model.__name__], money) == plain(generated, money)
    for name, definition in generated.get("$defs", {}).items():
        written = schemas[money if name == "MoneyBody" else name]
        assert plain(written, money) == plain(definition, money), name


@pytest.mark.parametrize("route", operations(), ids=" ".join)
def test_every_answer_that_is_a_problem_is_one_of_the_table(route: tuple[str, str]) -> None:
    responses = operations()[route]["responses"]
    assert set(responses) >= COMMON
    for status, reference in responses.items():
        response = resolve(reference)
        if status.startswith("2"):
            assert list(response["content"]) == ["application/json"]
            continue
        ((media_type, content),) = response["content"].items()
        codes = content["schema"]["properties"]["code"]["enum"]
        assert media_type == PROBLEM_MEDIA_TYPE
        assert content["schema"]["properties"]["status"]["const"] == int(status)
        assert {TABLE[code][0] for code in codes} == {int(status)}
        assert ("Retry-After" in response.get("headers", {})) == bool(RETRYABLE_CODES & set(codes))


@pytest.mark.parametrize("name", [model.__name__ for model in ANSWERS] + [RESPONSE_MONEY])
def test_answers_promise_every_field(name: str) -> None:
    schema = spec()["components"]["schemas"][name]

    assert sorted(schema["required"]) == sorted(schema["properties"])


def test_every_problem_that_a_customer_can_meet_is_documented() -> None:
    documented = {
        code
        for operation in operations().values()
        for status, reference in operation["responses"].items()
        if not status.startswith("2")
        for code in resolve(reference)["content"][PROBLEM_MEDIA_TYPE]["schema"]["properties"]["code"]["enum"]
    }
    # An unknown method has no operation to stand at; the other is only said between services.
    assert documented == set(TABLE) - {"method_not_allowed", "reservation_refused"}


def test_routes_that_need_a_key_or_a_body_say_so() -> None:
    keyed = {
        route
        for route, operation in operations().items()
        for parameter in operation.get("parameters", ())
        if parameter.get("$ref", "").endswith("/IdempotencyKey")
    }
    assert keyed == {("POST", "/orders"), ("POST", "/products/{}/restock"), ("POST", "/payments/{}/refunds")}
    for operation in operations().values():
        assert ("requestBody" in operation) == ("415" in operation["responses"])


def test_every_link_names_an_operation_and_its_parameters_and_is_followed_from_somewhere() -> None:
    schema = schemathesis.openapi.from_dict(spec())
    linked = {
        name
        for operation in (result.ok() for result in schema.get_all_operations())
        for status, response in operation.responses.items()
        for name, definition in response.iter_links()
        if OpenApiLink(name, status, definition, operation)  # raises InvalidTransition
    }

    assert linked == set(spec()["components"]["links"])


def resolve(reference: dict[str, Any]) -> dict[str, Any]:
    """Return what a `$ref` points at, or the value itself."""
    if "$ref" not in reference:
        return reference
    target: Any = spec()
    for name in reference["$ref"].removeprefix("#/").split("/"):
        target = target[name]
    assert isinstance(target, dict)
    return target
