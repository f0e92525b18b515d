"""Finding the products of a page of a list or a search, in SQL that is the same in both builds.

PostgreSQL has no index that finds words in the order of skus. So a page of a search is looked for where it may be found
at once, then further away: a step is taken only where the one before it has not filled the page.
"""

from __future__ import annotations

NEXT = 500  # products whose words are read, in the order of their skus: finds words that many products have
NEAR = 10_000  # products among which two indexes find a word, without reading them

_WORDS = "(SELECT websearch_to_tsquery('simple', :query))"  # read once, and not for every product


def in_order(*, by_category: bool) -> tuple[str, str]:
    """Return the condition and the order of products after `:after`, and of `:category` if told.

    That is (category, sku), though all are of one: else PostgreSQL may walk the skus of all categories.
    """
    if not by_category:
        return "products.sku > :after", "products.sku"
    order = "products.category, products.sku"
    return f"({order}) > (:category, :after) AND products.category <= :category", order


def page_of_skus(row_count: int, *, by_category: bool) -> str:
    """Return the SQL of the first `row_count` skus that are `in_order` and have the words of `:query`.

    The number is part of the text: PostgreSQL would plan anew for each page if it did not know it.
    """
    within, order = in_order(by_category=by_category)
    end = f"(SELECT sku FROM products WHERE {within} ORDER BY {order} LIMIT 1 OFFSET {NEAR})"  # noqa: S608
    same = " AND category = :category" if by_category else ""
    next_fills = f"(SELECT count(*) FROM next) >= {row_count}"  # noqa: S608
    near_fills = f"(SELECT count(*) FROM near) >= {row_count}"  # noqa: S608
    return f"""
    WITH next AS MATERIALIZED (
        SELECT sku FROM (SELECT sku, search FROM products WHERE {within} ORDER BY {order} LIMIT {NEXT}) AS product
        WHERE search @@ {_WORDS} LIMIT {row_count}
    ), near AS MATERIALIZED (
        SELECT sku FROM products
        WHERE sku > :after AND sku <= {end}{same} AND search @@ {_WORDS} AND NOT {next_fills}
    )
    SELECT sku FROM next WHERE {next_fills} UNION ALL SELECT sku FROM near WHERE {near_fills} UNION ALL
    SELECT sku FROM (
        SELECT sku, category FROM products WHERE search @@ {_WORDS} AND NOT {next_fills} AND NOT {near_fills}
        OFFSET 0  -- by the index of words alone, whatever the order
    ) AS products WHERE {within} ORDER BY sku LIMIT {row_count}
    """  # noqa: S608  (our own words)
