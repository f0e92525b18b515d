"""What a variant answers beside the shop stands in a contract of its own: all of it, with the shop's problems."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from tests.contract import spec
from tests.contract.test_schemas import RESPONSE_MONEY, plain
from variants.recommendations import monolith, service
from variants.recommendations.answering import Recommendation, Recommendations

RECOMMENDATIONS = "recommendations"
OPERATIONS = set(spec.operations(RECOMMENDATIONS))


def test_each_variant_that_has_a_contract_is_looked_at_here() -> None:
    assert spec.VARIANTS.keys() == {RECOMMENDATIONS}


def test_the_monolith_with_recommendations_serves_both_contracts(tmp_path: Path) -> None:
    settings = monolith.RecommendingSettings(**spec.NOBODYS, model_dir=str(tmp_path))

    served = spec.public(spec.routes_of_flask(monolith.create_app(settings)))

    assert served == spec.operations().keys() | OPERATIONS


def test_the_service_of_recommendations_serves_its_own_contract(tmp_path: Path) -> None:
    fields = service.ServiceOfRecommendationsSettings.model_fields
    values = {name: value for name, value in spec.service_settings(tmp_path).items() if name in fields}
    settings = service.ServiceOfRecommendationsSettings(**values, model_dir=str(tmp_path))

    served = spec.routes_of_fastapi(service.create_app(settings))

    assert spec.public(served) == OPERATIONS
    assert {("GET", path) for path in spec.OPERATORS} <= served


@pytest.mark.parametrize("model", [Recommendation, Recommendations], ids=lambda model: model.__name__)
def test_a_model_and_its_schema_say_the_same(model: type[BaseModel]) -> None:
    schema: dict[str, Any] = spec.spec_of(RECOMMENDATIONS)["components"]["schemas"][model.__name__]
    generated = plain(model.model_json_schema(mode="serialization"), RESPONSE_MONEY)

    written = plain(schema, RESPONSE_MONEY)

    assert written["required"] == generated["required"]
    assert _types(written) == _types(generated)


def test_its_problems_are_those_of_a_product() -> None:
    (recommend,) = spec.operations(RECOMMENDATIONS).values()
    product = spec.operations()["GET", "/products/{}"]

    problems = {status: response["$ref"] for status, response in recommend["responses"].items() if status != "200"}

    shared = {status: response["$ref"] for status, response in product["responses"].items() if status != "200"}
    assert problems == {status: f"../../shared/contract/openapi.yaml{name}" for status, name in shared.items()}


def _types(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the type of each field, or what it is one of; the file says more (a pattern, how many at most)."""
    keys = ("type", "enum", "ref", "items")
    return {
        name: {key: field[key] for key in keys if key in field and not (key == "type" and "enum" in field)}
        for name, field in schema["properties"].items()
    }
