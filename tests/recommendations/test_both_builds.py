"""Started with recommendations, both builds learn the same from the same orders, and sell on where the part is away."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from deploy.local.runner import LocalRunner
from deploy.model.extras import RECOMMENDATIONS
from deploy.model.home import Home
from shared.seed import products
from tests.arms import Arm
from tests.journeys.opening import open_shop
from tests.journeys.shop import Shop
from tests.journeys.waiting import until
from tests.ports import ARMS_SHIFT

pytestmark = pytest.mark.long  # two shops of its own
PART = {"monolith": "web", "microservices": RECOMMENDATIONS}
SETTINGS = {"TRAIN_AFTER_ORDERS": "1", "LOOK_EVERY_S": "0.3", "HISTORY_ORDERS": "2000"}
LAMP, SOFA = (next(one.sku for one in products() if one.sku.startswith(kind)) for kind in ("LAMP-", "SOFA-"))
BASKETS = [(LAMP, SOFA)] * 3
CONTRACT = yaml.safe_load((files("variants.recommendations") / "openapi.yaml").read_text("utf-8"))


@pytest.fixture(scope="module")
def runners() -> Iterator[dict[str, LocalRunner]]:
    """Both builds with recommendations, and the outside world."""
    root = Path(tempfile.mkdtemp(prefix="twinshop-thinking-"))
    root.chmod(0o755)  # PostgreSQL runs as another user where we are root
    outside, *shops = (LocalRunner(name, Home(root), ARMS_SHIFT) for name in ("outside", *PART))
    try:
        outside.up()
        for shop in shops:
            shop.choose([RECOMMENDATIONS])
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda shop: shop.up({PART[shop.stack.name]: SETTINGS}, timeout_s=240), shops))
        yield {shop.stack.name: shop for shop in shops}
    finally:
        for runner in (*shops, outside):
            runner.down()
        shutil.rmtree(root, ignore_errors=True)


@pytest.fixture(scope="module")
def shops(runners: dict[str, LocalRunner]) -> Iterator[dict[str, Shop]]:
    with ExitStack() as stack:
        yield {name: stack.enter_context(open_shop(Arm(name, runner))) for name, runner in runners.items()}


def recommended(shop: Shop, sku: str = LAMP) -> dict[str, Any] | None:
    """Return the answer, or None if there is none (yet)."""
    answer = shop.http.get(f"/products/{sku}/recommendations")
    body: dict[str, Any] | None = answer.json() if answer.status_code == 200 else None
    return body


def answers_alike(shop: Shop) -> bool:
    answers = [recommended(shop) for _ in range(8)]
    return answers[0] is not None and all(answer == answers[0] for answer in answers)


def test_both_builds_answer_alike_and_as_the_contract_says(shops: dict[str, Shop]) -> None:
    one, other = (until("a model", partial(recommended, shop)) for shop in shops.values())

    assert one == other
    assert {item["why"] for item in one["items"]} == {"bought_together", "similar"}
    schema = {"$ref": "#/components/schemas/Recommendations", "components": CONTRACT["components"]}
    jsonschema.validate(one, schema)


def test_the_same_orders_teach_both_the_same(shops: dict[str, Shop]) -> None:
    before = until("a model", lambda: recommended(shops["monolith"]))

    for shop in shops.values():
        for basket in BASKETS:
            shop.customer().buy(*((sku, 1) for sku in basket))

    def learned() -> bool:
        answers = [recommended(shop) for shop in shops.values()]
        return answers[0] == answers[1] and SOFA in [item["sku"] for item in (answers[0] or before)["items"]]

    assert SOFA not in [item["sku"] for item in before["items"]]
    until("the same model in both", learned)


@pytest.mark.parametrize("name", PART)
def test_what_is_no_product_is_not_found(shops: dict[str, Shop], name: str) -> None:
    answer = shops[name].http.get("/products/NO-SUCH-THING/recommendations")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert shops[name].http.post(f"/products/{LAMP}/recommendations").status_code == 405


@pytest.mark.parametrize("name", PART)
def test_a_wrong_model_is_not_served(shops: dict[str, Shop], runners: dict[str, LocalRunner], name: str) -> None:
    before = until("a model", lambda: recommended(shops[name]))
    folder = Path(runners[name].site.data_of(name, RECOMMENDATIONS))
    _, number, *made_of, _ = max(folder.glob("model-*.npz")).stem.split("-")  # of something else: another would be due

    wrong = folder / "-".join(["model", str(int(number) + 1).zfill(6), *made_of, "0" * 12 + ".npz"])
    wrong.write_bytes(b"no model")
    until("a word about it in the log", lambda: wrong.name in runners[name].logs(PART[name], 200))

    assert recommended(shops[name]) == before
    wrong.unlink()


def test_a_second_replica_answers_the_same(shops: dict[str, Shop], runners: dict[str, LocalRunner]) -> None:
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda name: runners[name].scale(PART[name], 2), PART))

    for shop in shops.values():
        until("the same from any replica", partial(answers_alike, shop))


def test_where_the_part_is_away_the_services_sell_on_and_their_page_has_no_strip(
    shops: dict[str, Shop], runners: dict[str, LocalRunner]
) -> None:
    runners["microservices"].hold(RECOMMENDATIONS)
    shop = shops["microservices"]

    away = shop.http.get(f"/products/{LAMP}/recommendations")

    assert (away.status_code, away.json()["code"]) == (503, "unavailable")
    assert shop.product(LAMP)["sku"] == LAMP
    shop.customer().buy((LAMP, 1))
    runners["microservices"].release(RECOMMENDATIONS)
    until("recommendations again", lambda: recommended(shop))
