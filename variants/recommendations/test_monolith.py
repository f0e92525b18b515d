"""In the monolith recommendations are a module more: it reads the orders' own table, in the same process."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from monolith.config import Settings
from monolith.modules import Connections, Modules
from tests.monolith_stage import Shop, open_shop
from variants.recommendations.monolith import Recommendations, RecommendingSettings, build, install

WITHIN_MS = 50


@pytest.fixture
def thinking(settings: Settings, tmp_path: Path) -> Iterator[tuple[Shop, Recommendations]]:
    """A shop with the fifth module; its thread does not run."""
    own = RecommendingSettings(
        **settings.model_dump(), model_dir=str(tmp_path), train_after_orders=1, recommend_within_ms=WITHIN_MS
    )
    built: list[Recommendations] = []

    def build_all(_: Settings, connections: Connections) -> Modules:
        modules, recommendations = build(own, connections)
        built.append(recommendations)
        return modules

    with open_shop(own, build_all) as shop:
        install(shop.app, built[0], own)
        for sku, name in (("LAMP", "Lamp, brass"), ("LANTERN", "Lantern, brass"), ("SOFA", "Sofa, oak")):
            shop.stocks(sku, name=name)
        yield shop, built[0]


def recommended(shop: Shop, sku: str = "LAMP") -> list[tuple[str, str]]:
    answer = shop.ask("GET", f"/products/{sku}/recommendations")
    assert answer.status_code == 200, answer.text
    return [(item["sku"], item["why"]) for item in answer.json["items"]]


def test_what_was_bought_together_is_recommended_after_the_next_look(thinking: tuple[Shop, Recommendations]) -> None:
    shop, recommendations = thinking
    shop.buy(("LAMP", 1), ("SOFA", 2))

    recommendations.look()

    assert ("SOFA", "bought_together") in recommended(shop)


def test_what_was_brought_back_teaches_nothing(thinking: tuple[Shop, Recommendations]) -> None:
    shop, recommendations = thinking
    order = shop.buy(("LAMP", 1), ("SOFA", 2)).json
    recommendations.look()

    shop.ask("POST", f"/orders/{order['id']}/cancel")
    recommendations.look()

    assert "bought_together" not in dict(recommended(shop)).values()


def test_nothing_is_recommended_before_the_first_look_nor_for_what_there_is_not(
    thinking: tuple[Shop, Recommendations],
) -> None:
    shop, recommendations = thinking
    before = shop.ask("GET", "/products/LAMP/recommendations")
    recommendations.look()

    assert (before.status_code, before.json["code"]) == (503, "unavailable")
    assert shop.ask("GET", "/products/TEAPOT/recommendations").json["code"] == "not_found"


def test_who_finds_all_threads_busy_is_shown_the_bestsellers_in_time(thinking: tuple[Shop, Recommendations]) -> None:
    shop, recommendations = thinking
    shop.buy(("LAMP", 1), ("SOFA", 2))
    recommendations.look()
    threads = recommendations._threads
    while threads.acquire(blocking=False):
        pass

    began = time.monotonic()
    strip = recommended(shop)

    assert strip == [("SOFA", "popular")]
    assert WITHIN_MS / 1000 <= time.monotonic() - began < 2


def test_only_with_it_the_pages_carry_the_strip(thinking: tuple[Shop, Recommendations], settings: Settings) -> None:
    shop, _ = thinking
    with open_shop(settings) as plain:
        assert "recommendations" not in plain.ask("GET", "/").text
        assert plain.ask("GET", "/storefront/recommendations.js").status_code == 404

    assert '<script type="module" src="/storefront/recommendations.js">' in shop.ask("GET", "/").text
    assert "bought_together" in shop.ask("GET", "/storefront/recommendations.js").text
    assert shop.ask("GET", "/storefront/shop.css").status_code == 200
