"""Browse and search: anybody may, without a token."""

from __future__ import annotations

from unicodedata import normalize

import pytest

from tests.journeys.answers import expect, expect_problem
from tests.journeys.shop import Admin, Shop, fresh

pytestmark = pytest.mark.core


def test_a_page_of_products_needs_no_token_and_is_ordered_by_sku(shop: Shop) -> None:
    page = expect(shop.http.get("/products"), 200)

    skus = [item["sku"] for item in page["items"]]
    assert len(skus) == 20
    assert skus == sorted(skus)
    assert set(page["items"][0]) == {"sku", "name", "description", "category", "price", "available"}
    assert set(page["items"][0]["price"]) == {"amount", "currency"}


def test_pages_follow_each_other_without_a_gap_or_a_repetition(shop: Shop) -> None:
    whole = expect(shop.http.get("/products", params={"limit": 30}), 200)["items"]

    walked, cursor = [], None
    for _ in range(3):
        page = expect(shop.http.get("/products", params={"limit": 10} | ({"cursor": cursor} if cursor else {})), 200)
        walked += page["items"]
        cursor = page["next_cursor"]

    assert [item["sku"] for item in walked] == [item["sku"] for item in whole]


def test_the_last_page_says_that_it_is_the_last(shop: Shop, admin: Admin) -> None:
    category = fresh("attic").lower()
    for word in ("LAMP", "LADDER", "LOCKET"):
        admin.put_product(fresh(word).upper(), category=category)

    first = expect(shop.http.get("/products", params={"category": category, "limit": 2}), 200)
    params = {"category": category, "limit": 2, "cursor": first["next_cursor"]}
    second = expect(shop.http.get("/products", params=params), 200)
    exact = expect(shop.http.get("/products", params={"category": category, "limit": 3}), 200)

    assert len(first["items"]) == 2
    assert len(second["items"]) == 1
    assert second["next_cursor"] is None
    assert exact["next_cursor"] is None


def test_a_product_that_came_meanwhile_shifts_no_page(shop: Shop, admin: Admin) -> None:
    category = fresh("shed").lower()
    for letter in "BCD":
        admin.put_product(fresh(f"{letter}-RAKE").upper(), category=category)
    first = expect(shop.http.get("/products", params={"category": category, "limit": 1}), 200)

    admin.put_product(fresh("A-RAKE").upper(), category=category)
    params = {"category": category, "limit": 5, "cursor": first["next_cursor"]}
    rest = expect(shop.http.get("/products", params=params), 200)

    assert [item["sku"][0] for item in first["items"] + rest["items"]] == ["B", "C", "D"]


def test_search_finds_words_of_name_and_description_whatever_their_case(shop: Shop, admin: Admin) -> None:
    word = fresh("quokka").replace("-", "")
    sku = fresh("QUOKKA").upper()
    admin.put_product(sku, name=f"Plush {word.title()}", description="It smiles at everybody, even on Mondays.")

    by_name = expect(shop.http.get("/products", params={"query": word.upper()}), 200)["items"]
    by_both = expect(shop.http.get("/products", params={"query": f"{word} mondays"}), 200)["items"]
    without = expect(shop.http.get("/products", params={"query": f"{word} -smiles"}), 200)["items"]

    assert [item["sku"] for item in by_name] == [sku]
    assert [item["sku"] for item in by_both] == [sku]
    assert without == []


def test_search_pages_and_filters_by_category(shop: Shop, admin: Admin) -> None:
    word, category = fresh("wombat").replace("-", ""), fresh("burrow").lower()
    skus = sorted(fresh("WOMBAT").upper() for _ in range(3))
    for sku in skus:
        admin.put_product(sku, name=f"Wombat {word}", category=category)
    admin.put_product(fresh("WOMBAT").upper(), name=f"Wombat {word}", category="elsewhere")

    params = {"query": word, "category": category, "limit": 2}
    first = expect(shop.http.get("/products", params=params), 200)
    second = expect(shop.http.get("/products", params={**params, "cursor": first["next_cursor"]}), 200)

    assert [item["sku"] for item in first["items"] + second["items"]] == skus


@pytest.mark.parametrize(("stored", "typed"), [("NFD", "NFC"), ("NFC", "NFD")])
def test_an_accent_is_one_letter_whichever_way_it_is_written(shop: Shop, admin: Admin, stored: str, typed: str) -> None:
    word = fresh("Crème").replace("-", "")
    sku = fresh("CREME").upper()
    product = admin.put_product(
        sku, **{name: normalize(stored, f"{word} {name}") for name in ("name", "description", "category")}
    )

    by_text = expect(shop.http.get("/products", params={"query": normalize(typed, f"{word} name description")}), 200)
    by_category = expect(shop.http.get("/products", params={"category": normalize(typed, f"{word} category")}), 200)

    assert [product[name] for name in ("name", "description", "category")] == [
        f"{word} name", f"{word} description", f"{word} category",
    ]  # fmt: skip
    assert by_text["items"] == by_category["items"] == [product]


@pytest.mark.parametrize(
    "query", ["'; DROP TABLE products; --", '"unbalanced', "a & | ! b", "%", "\u200b", "-", "ß" * 200]
)
def test_odd_search_words_find_nothing_and_break_nothing(shop: Shop, query: str) -> None:
    page = expect(shop.http.get("/products", params={"query": query}), 200)

    assert isinstance(page["items"], list)


def test_a_category_that_nobody_has_is_an_empty_page(shop: Shop) -> None:
    page = expect(shop.http.get("/products", params={"category": "unobtainium"}), 200)

    assert page == {"items": [], "next_cursor": None}


def test_categories_count_their_products_and_stand_in_order(shop: Shop, admin: Admin) -> None:
    category = fresh("cellar").lower()
    for _ in range(2):
        admin.put_product(fresh("CASK").upper(), category=category)

    items = expect(shop.http.get("/categories"), 200)["items"]

    names = [item["name"] for item in items]
    assert names == sorted(names, key=str.encode)
    assert {"name": category, "product_count": 2} in items


def test_a_product_has_a_page_of_its_own(shop: Shop, admin: Admin) -> None:
    sku = admin.stocks("CRUNCHY-ARMCHAIR", stock=7, price=24_900)

    product = shop.product(sku)

    assert product == {
        "sku": sku,
        "name": "Crunchy Armchair",
        "description": "Made for one person and one long book.",
        "category": "crunchy-things",
        "price": {"amount": 24_900, "currency": "EUR"},
        "available": 7,
    }


@pytest.mark.parametrize("sku", ["NO-SUCH-CHAIR", "lower-case", "A" * 65, "-DASH", "a b"])
def test_a_product_that_is_not_there_is_not_found(shop: Shop, sku: str) -> None:
    expect_problem(shop.http.get(f"/products/{sku}"), 404, "not_found")


def test_query_parameters_that_nobody_knows_are_ignored(shop: Shop) -> None:
    page = expect(shop.http.get("/products", params={"limit": 1, "utm_source": "newsletter"}), 200)

    assert len(page["items"]) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "0"),
        ("limit", "101"),
        ("limit", "-1"),
        ("limit", "ten"),
        ("limit", "1.5"),
        ("limit", "٣"),
        ("limit", ""),
        ("limit", "9" * 30),
        ("cursor", "not a cursor"),
        ("cursor", ""),
        ("cursor", "AA=="),
        ("query", "x" * 201),
        ("query", "nul\x00"),
        ("category", "x" * 201),
    ],
)
def test_a_bad_query_is_named(shop: Shop, name: str, value: str) -> None:
    body = expect_problem(shop.http.get("/products", params={name: value}), 422, "invalid_request")

    assert [error["field"] for error in body["errors"]] == [name]
