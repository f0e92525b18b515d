"""A model finds again what was planted, beats the bestsellers, helps out with words, and is what its file says."""

from __future__ import annotations

import random
from itertools import permutations

import numpy as np
import pytest

from shared.seed import products as seed_products
from variants.recommendations.evaluation import evaluate, split
from variants.recommendations.history import History, history
from variants.recommendations.model import Model, WrongModel
from variants.recommendations.training import Product, train

RANK = 32
PRODUCTS = [Product(one.sku, one.name, one.description, one.category) for one in seed_products()]
SKUS = [product.sku for product in PRODUCTS]


@pytest.fixture(scope="module")
def past() -> History:
    return history(SKUS, 12_000, seed=22)


@pytest.fixture(scope="module")
def model(past: History) -> Model:
    return train(PRODUCTS, past.baskets, RANK)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_recall_at_10_is_at_least_twice_that_of_popularity(seed: int) -> None:
    earlier, later = split(history(SKUS, 6_000, seed).baskets)

    by_model, by_popularity = evaluate(train(PRODUCTS, earlier, RANK), later)

    assert by_model.questions > 1_000
    assert by_popularity.recall_at_10 > 0
    assert by_model.recall_at_10 >= 2 * by_popularity.recall_at_10
    assert by_model.mrr >= 2 * by_popularity.mrr


def test_planted_pairs_are_found(model: Model, past: History) -> None:
    pairs = [pair for one in past.sets for pair in permutations(one, 2)]

    hits = [other for sku, other in pairs if model.number_of[other] in model.together(model.number_of[sku], 5).tolist()]

    assert len(hits) >= 0.9 * len(pairs)


def test_a_history_without_affinities_has_nothing_to_find() -> None:
    chance = random.Random(5)
    baskets = [tuple(chance.sample(SKUS, 2)) for _ in range(4_000)]
    earlier, later = split(baskets)

    by_model, _ = evaluate(train(PRODUCTS, earlier, RANK), later)

    assert by_model.recall_at_10 < 0.15


def test_a_product_nobody_has_bought_is_compared_by_its_words() -> None:
    lamp = Product("LAMP-NEW", "Kestrel Table Lamp, brass", "Gives a warm pool of light beside the bed.", "Lighting")
    learned = train([*PRODUCTS, lamp], [], RANK)

    nearest = [learned.skus[one] for one in learned.ranked(learned.number_of["LAMP-NEW"], 3)]

    assert all(sku.startswith(("LAMP-", "FLOORLAMP-", "DESKLAMP-")) for sku in nearest)
    assert learned.together(learned.number_of["LAMP-NEW"], 3).tolist() == []


def test_the_same_orders_in_another_order_teach_the_same(model: Model, past: History) -> None:
    again = train(reversed(PRODUCTS), [basket[::-1] for basket in past.baskets[::-1]], RANK)

    assert again.version == model.version


def test_one_more_order_is_another_version(model: Model, past: History) -> None:
    assert train(PRODUCTS, [*past.baskets, (SKUS[0], SKUS[1])], RANK).version != model.version


def test_no_product_recommends_itself(model: Model) -> None:
    for number in range(len(model.skus)):
        assert number not in model.ranked(number, 10)


def test_a_model_comes_back_from_its_file(model: Model) -> None:
    back = Model.load(model.dump())

    assert back.version == model.version
    assert back.ranked(7, 10).tolist() == model.ranked(7, 10).tolist()


@pytest.mark.parametrize("damage", [b"", b"no model", "cut"])
def test_a_damaged_file_is_refused(model: Model, damage: bytes | str) -> None:
    content = model.dump()[:-200] if isinstance(damage, str) else damage

    with pytest.raises(WrongModel, match="cannot be read"):
        Model.load(content)


def test_a_file_whose_content_is_not_what_it_says_is_refused(model: Model) -> None:
    other = Model(**{**vars_of(model), "scores": model.scores + 1})
    other.__dict__["version"] = model.version  # what a file would say whose numbers somebody has changed

    with pytest.raises(WrongModel, match="says it is"):
        Model.load(other.dump())


def test_a_model_that_points_outside_its_products_is_refused(model: Model) -> None:
    wrong = Model(**{**vars_of(model), "popular": np.array([len(SKUS)], np.int32)})

    with pytest.raises(WrongModel, match="do not fit"):
        Model.load(wrong.dump())


def test_nothing_to_learn_from_is_a_model_all_the_same() -> None:
    empty, words_only = train([], [], RANK), train(PRODUCTS[:1], [], RANK)

    assert Model.load(empty.dump()).skus == ()
    assert words_only.ranked(0, 10).tolist() == []


def vars_of(model: Model) -> dict[str, object]:
    fields = ("skus", "names", "categories", "starts", "partners", "scores", "words", "popular")
    return {name: getattr(model, name) for name in fields}
