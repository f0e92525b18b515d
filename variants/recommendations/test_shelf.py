"""Models come and go while customers are answered: whole ones only, and by one trainer at a time."""

from __future__ import annotations

import json

import pytest

from shared.domain.errors import NotFound, Unavailable
from variants.recommendations.answering import Recommender
from variants.recommendations.conftest import PRODUCTS
from variants.recommendations.learning import Learner
from variants.recommendations.model import Model
from variants.recommendations.settings import RecommendationSettings
from variants.recommendations.shelf import MODELS_TO_KEEP, Shelf
from variants.recommendations.training import train


@pytest.fixture
def recommender(shelf: Shelf, small_model: Model) -> Recommender:
    shelf.put(small_model, orders=3, rank=8)
    loaded = Recommender(shelf)
    assert loaded.refresh()
    return loaded


def items(answer_body: bytes) -> list[tuple[str, str]]:
    return [(item["sku"], item["why"]) for item in json.loads(answer_body)["items"]]


def test_an_answer_names_its_model_and_says_why(recommender: Recommender, small_model: Model) -> None:
    answer = recommender.infer("LAMP")

    assert items(answer.body) == [("SOFA", "bought_together"), ("LANTERN", "similar")]
    assert json.loads(answer.body)["model"] == small_model.version


def test_the_bestsellers_leave_out_what_is_looked_at(recommender: Recommender) -> None:
    assert items(recommender.popular("LAMP").body) == [("SOFA", "popular")]


def test_a_product_that_the_model_does_not_know_is_not_found(recommender: Recommender) -> None:
    with pytest.raises(NotFound, match="knows no product 'TEAPOT'"):
        recommender.infer("TEAPOT")


def test_without_a_model_nothing_is_said(shelf: Shelf) -> None:
    recommender = Recommender(shelf)

    assert not recommender.refresh()
    with pytest.raises(Unavailable, match="No model"):
        recommender.infer("LAMP")


def test_a_newer_model_is_taken_without_a_restart(recommender: Recommender, shelf: Shelf) -> None:
    newer = train(PRODUCTS, [("LAMP", "LANTERN")], rank=8)
    shelf.put(newer, orders=4, rank=8)

    assert recommender.refresh()
    assert items(recommender.infer("LAMP").body)[0] == ("LANTERN", "bought_together")
    assert not recommender.refresh()


def test_a_wrong_model_is_left_where_it_is_and_the_last_one_serves_on(
    recommender: Recommender, shelf: Shelf, small_model: Model, caplog: pytest.LogCaptureFixture
) -> None:
    newer = shelf.put(train(PRODUCTS, [("LAMP", "LANTERN")], rank=8), orders=4, rank=8)
    newer.path.write_bytes(newer.path.read_bytes()[:100])

    assert not recommender.refresh()
    assert json.loads(recommender.infer("LAMP").body)["model"] == small_model.version
    assert f"{newer.path.name} is not taken" in caplog.text


def test_who_starts_beside_a_wrong_model_takes_the_one_before_it(shelf: Shelf, small_model: Model) -> None:
    shelf.put(small_model, orders=3, rank=8)
    newer = shelf.put(train(PRODUCTS, [("LAMP", "LANTERN")], rank=8), orders=4, rank=8)
    newer.path.write_bytes(b"")
    started = Recommender(shelf)

    assert started.refresh()
    assert json.loads(started.infer("LAMP").body)["model"] == small_model.version


def test_taking_the_newest_model_away_brings_the_one_before_back(
    recommender: Recommender, shelf: Shelf, small_model: Model
) -> None:
    newer = shelf.put(train(PRODUCTS, [], rank=8), orders=4, rank=8)
    recommender.refresh()

    newer.path.unlink()

    assert recommender.refresh()
    assert json.loads(recommender.infer("LAMP").body)["model"] == small_model.version


def test_only_the_newest_models_are_kept(shelf: Shelf) -> None:
    for orders in range(MODELS_TO_KEEP + 2):
        shelf.put(train(PRODUCTS, [("LAMP", "SOFA")] * orders, rank=8), orders, rank=8)

    assert [entry.orders for entry in shelf.entries()] == [2, 3, 4]


def test_while_one_replica_trains_no_other_does(shelf: Shelf) -> None:
    learner = Learner(shelf, RecommendationSettings(model_dir=str(shelf)))

    with shelf.training() as is_ours:
        assert is_ours
        assert not learner.learn(lambda: (PRODUCTS, []))

    assert learner.learn(lambda: (PRODUCTS, []))


@pytest.mark.parametrize(
    ("orders", "products", "is_due"), [(10, 3, False), (14, 3, False), (15, 3, True), (9, 3, True), (10, 4, True)]
)
def test_a_model_is_due_after_so_many_orders_a_reset_or_another_catalogue(
    shelf: Shelf, orders: int, products: int, is_due: bool
) -> None:
    learner = Learner(shelf, RecommendationSettings(train_after_orders=5))
    learner.learn(lambda: (PRODUCTS, [("LAMP",)] * 10))

    assert learner.is_due(orders, products) is is_due


def test_a_past_that_is_made_up_comes_on_top_of_the_shops_orders(shelf: Shelf) -> None:
    learner = Learner(shelf, RecommendationSettings(history_orders=50))

    learner.learn(lambda: (PRODUCTS, [("LAMP", "SOFA")]))

    (entry,) = shelf.entries()
    assert entry.orders == 1
    assert len(Model.load(entry.path.read_bytes()).popular) == len(PRODUCTS)
