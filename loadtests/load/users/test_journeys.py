"""The requests that are sent: their shares, their popularity, and that a seed repeats them."""

import random
from collections import Counter

import pytest

from loadtests.load.users.journeys import Journeys, Request
from loadtests.load.users.popularity import Popularity
from loadtests.load.users.traffic import MIXES, mix_of
from loadtests.load.users.world import Catalogue, Customer, WorldNotReady, admin, customers
from shared.contract.bodies import OrderInput, ProductInput, RestockInput

CATALOGUE = Catalogue(
    skus=tuple(f"KETTLE-{number}" for number in range(500)),
    words={f"KETTLE-{number}": "kettle" for number in range(500)},
    categories=("kettles", "lamps"),
    products={
        f"KETTLE-{number}": {
            "sku": f"KETTLE-{number}", "name": "A kettle", "description": "", "category": "kettles", "available": 9,
            "price": {"amount": 1_000 + number, "currency": "EUR"},
        }
        for number in range(500)
    },
    read_between=(5.0, 6.0),
)  # fmt: skip
ADMIN = Customer("load-admin", "token-of-admin")
BUYERS = [Customer(f"ada-{number}", f"token-{number}") for number in range(10)]


def journeys(mix="shopping", seed=1, run="run", **options):
    admin = ADMIN if MIXES[mix].needs_admin else None
    return Journeys(MIXES[mix], CATALOGUE, BUYERS, run=run, seed=seed, admin=admin, **options)


@pytest.mark.parametrize(("mix", "share"), [("browsing", 0.01), ("shopping", 0.05), ("ordering", 0.5)])
def test_a_mix_has_its_share_of_orders(mix, share):
    source = journeys(mix)

    counts = Counter(source.draw(index).journey for index in range(20_000))

    assert MIXES[mix].order_share == pytest.approx(share)
    assert counts["order"] / 20_000 == pytest.approx(share, rel=0.15)
    assert counts["cancel"] == 0


def test_boutique_has_the_weights_of_online_boutique():
    source = journeys("boutique")

    counts = Counter(source.draw(index).journey for index in range(12_000))

    assert counts["product"] / counts["order"] == pytest.approx(10, rel=0.15)
    assert counts["list"] / counts["order"] == pytest.approx(1, rel=0.15)


def test_an_arrival_asks_for_the_same_thing_whoever_sends_it():
    alone = [journeys().draw(index) for index in range(100)]
    divided = journeys()

    assert [divided.draw(index) for index in reversed(range(100))] == alone[::-1]


def test_another_seed_asks_for_other_things():
    assert [journeys(seed=1).draw(n).path for n in range(50)] != [journeys(seed=2).draw(n).path for n in range(50)]


def test_orders_are_what_the_contract_allows_and_have_keys_of_their_own():
    source = journeys("orders-only")

    orders = [source.draw(index) for index in range(500)]

    for order in orders:
        assert 1 <= len(OrderInput.model_validate(order.body).lines) <= 3
    assert len({order.headers["Idempotency-Key"] for order in orders}) == 500


def test_two_runs_with_one_seed_have_different_keys():
    assert journeys("orders-only", run="a").draw(1).key != journeys("orders-only", run="b").draw(1).key


def test_payment_methods_come_in_their_shares():
    requests = journeys("orders-only", payment_methods={"pm_ok": 9, "pm_declined": 1})

    methods = Counter(requests.draw(index).body["payment_method"] for index in range(5_000))

    assert methods["pm_declined"] / 5_000 == pytest.approx(0.1, rel=0.2)


def test_a_row_of_locust_never_names_a_product():
    names = {source.draw(index).name for source in map(journeys, MIXES) for index in range(2_000)}

    assert names <= {
        "/products",
        "/products?category=",
        "/products?query=",
        "/products/{sku}",
        "/products/{sku}/recommendations",
        "/categories",
        "/orders",
        "/notifications",
        "/orders/{id}/cancel",
        "/products/{sku}/restock",
    }


def test_a_market_changes_prices_and_stock_as_an_admin_and_leaves_the_rest_of_a_product():
    source = journeys("market")

    price, restock = source.draw_of("price", 1), source.draw_of("restock", 2)

    product = CATALOGUE.products[price.about]
    assert (price.method, price.path) == ("PUT", f"/products/{price.about}")
    assert ProductInput.model_validate(price.body).name == product["name"]
    assert price.body["price"]["amount"] != product["price"]["amount"]
    assert RestockInput.model_validate(restock.body).quantity > 0
    assert restock.headers["Idempotency-Key"] == "run-2"
    assert {price.headers["Authorization"], restock.headers["Authorization"]} == {"Bearer token-of-admin"}


def test_customers_of_a_market_name_the_total_they_were_shown_some_of_them_that_of_an_old_page():
    source = journeys("market")
    for sku in CATALOGUE.skus:
        source.succeeded(Request("price", "", "PUT", "", body={"price": {"amount": 7}}, about=sku), "", "")

    orders = [source.draw_of("order", index).body for index in range(500)]

    named = [order for order in orders if "expected_total" in order]
    pieces = [sum(line["quantity"] for line in order["lines"]) for order in named]
    current = sum(order["expected_total"]["amount"] == 7 * count for order, count in zip(named, pieces, strict=True))
    assert len(named) / len(orders) == pytest.approx(0.5, abs=0.07)
    assert current / len(named) == pytest.approx(0.8, abs=0.07)
    assert [order for order in orders if not OrderInput.model_validate(order).lines] == []


def test_a_history_begins_with_the_prices_that_a_market_will_change():
    source = journeys("market")

    opening = {call.order_id: call for call in source.opening_prices()}

    changed = {source.draw_of("price", index).about for index in range(2_000)}
    assert changed == opening.keys()
    assert {(call.sent_at, call.answered_at) for call in opening.values()} == {(5.0, 6.0)}
    assert list(journeys().opening_prices()) == []


def test_a_cancel_takes_an_order_that_was_confirmed_and_only_once():
    requests = journeys()
    requests.succeeded(requests.draw_of("order", 1), "confirmed", "order-1")

    first, second = requests.draw_of("cancel", 2), requests.draw_of("cancel", 3)

    assert (first.journey, first.path) == ("cancel", "/orders/order-1/cancel")
    assert first.customer == requests.draw_of("order", 1).customer
    assert second.journey == "order"


def test_popularity_falls_with_rank_as_zipf_says():
    rng = random.Random(3)
    popularity = Popularity([f"P{number}" for number in range(100)], exponent=0.8)

    counts = [count for _, count in Counter(popularity.draw(rng) for _ in range(100_000)).most_common()]

    assert counts[0] / counts[9] == pytest.approx(10**0.8, rel=0.15)
    assert len(counts) == 100


def test_drawing_distinct_products_ends_in_a_catalogue_of_two():
    assert sorted(Popularity(["A", "B"]).draw_distinct(random.Random(1), 3)) == ["A", "B"]


def test_an_empty_catalogue_is_refused():
    with pytest.raises(ValueError, match="empty"):
        Popularity([])


@pytest.mark.parametrize(
    ("written", "wrong"),
    [('{"produkt": 1}', "want weights such as"), ('{"order": 0}', "want weights"), ("[1]", "want weights"),
     ('{"order": "1"}', "want weights"), ("{", "cannot be read"), ("{}", "want weights")],
)  # fmt: skip
def test_a_file_that_is_no_mix_is_refused(tmp_path, written, wrong):
    path = tmp_path / "own.json"
    path.write_text(written)

    with pytest.raises(ValueError, match=wrong):
        mix_of(str(path))


@pytest.mark.parametrize("tokens", ["header:Authorization: Bearer abc", "header:Bearer abc", "command:echo abc"])
def test_tokens_of_another_identity_provider(tokens):
    assert [customer.token for customer in customers(tokens, 2, "load")] == ["abc"]


@pytest.mark.parametrize("tokens", ["header:", "command:exit 3", "command:true"])
def test_no_token_is_told(tokens):
    with pytest.raises(WorldNotReady, match="--tokens-from: "):
        customers(tokens, 2, "load")


def test_without_an_identity_provider_there_is_no_admin():
    with pytest.raises(WorldNotReady, match="This mix changes products, which needs an admin's token"):
        admin("header:Bearer abc")
