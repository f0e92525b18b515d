"""Learns a model: item-to-item collaborative filtering on baskets, and tf-idf on the words of the products.

Cosine of two products' columns in the matrix of orders (Sarwar et al., "Item-based collaborative filtering", 2001),
damped where few orders speak for it. Words by tf-idf, taken together to `rank` directions as latent semantic analysis
does (Deerwester et al., 1990). The same products and orders, in whatever order they come, give the same model.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from variants.recommendations.model import Model, Ranked, highest

NEIGHBOURS = 20  # partners that are kept of each product
POPULAR = 50
DAMPING = 2.0  # as if each pair had been seen so many times more often apart
MOST_TERMS = 2_000  # the commonest ones: a step below is cubic in them
_TERM = re.compile(r"[^\W_]+")
Basket = Sequence[str]


@dataclass(frozen=True)
class Product:
    """What is known of a product without an order: its words."""

    sku: str
    name: str
    description: str
    category: str


def train(products: Iterable[Product], baskets: Iterable[Basket], rank: int) -> Model:
    """Return what these orders (the skus of each) and products teach. `rank`: how many numbers keep a product's words.

    Skus that are no product's are passed over.
    """
    known = sorted(products, key=lambda product: product.sku)
    number_of = {product.sku: number for number, product in enumerate(known)}
    bought = _orders(baskets, number_of)
    starts, partners, scores = _neighbours(bought)
    return Model(
        skus=tuple(number_of),
        names=tuple(product.name for product in known),
        categories=tuple(product.category for product in known),
        starts=starts,
        partners=partners,
        scores=scores,
        words=_directions(_tf_idf(known), rank),
        popular=highest(np.asarray(bought.sum(axis=0), np.float32).ravel(), POPULAR),
    )


def _orders(baskets: Iterable[Basket], number_of: dict[str, int]) -> Any:
    """Return a sparse matrix, orders x products: 1 where an order has the product, however many pieces of it."""
    rows = [sorted({number_of[sku] for sku in basket if sku in number_of}) for basket in baskets]
    starts = np.cumsum([0, *map(len, rows)])
    columns = np.fromiter((product for row in rows for product in row), np.int32, int(starts[-1]))
    ones = np.ones(len(columns), np.float32)
    return sparse.csr_array((ones, columns, starts), shape=(len(rows), len(number_of)))


def _neighbours(bought: Any) -> tuple[NDArray[np.int64], Ranked, NDArray[np.float32]]:
    """Return starts, partners and scores of `Model`."""
    together = (bought.T @ bought).tocsr()
    alone = np.sqrt(np.maximum(together.diagonal(), 1.0))
    starts, partners, scores = [0], [], []
    for product in range(together.shape[0]):
        row = slice(together.indptr[product], together.indptr[product + 1])
        others, times = together.indices[row], together.data[row]
        cosine = times / (alone[product] * alone[others]) * (times / (times + DAMPING))
        cosine[others == product] = 0.0
        by_number = np.argsort(others)  # so that a draw is decided by the number
        best = by_number[highest(cosine[by_number].astype(np.float32), NEIGHBOURS)]
        partners.append(others[best])
        scores.append(cosine[best])
        starts.append(starts[-1] + len(best))
    return (
        np.array(starts, np.int64),
        np.concatenate([np.zeros(0), *partners]).astype(np.int32),
        np.concatenate([np.zeros(0), *scores]).astype(np.float32),
    )


def _tf_idf(products: Sequence[Product]) -> Any:
    """Return a sparse matrix, products x terms, whose rows have length 1; a term that all have says nothing."""
    counts = [
        Counter(_TERM.findall(f"{product.name} {product.description} {product.category}".lower()))
        for product in products
    ]
    having = Counter(term for one in counts for term in one)
    terms = sorted(having, key=lambda term: (-having[term], term))[:MOST_TERMS]
    place = {term: number for number, term in enumerate(terms)}
    weight = {term: math.log((1 + len(products)) / (1 + having[term])) for term in terms}
    cells = [
        (row, place[term], (1 + math.log(count)) * weight[term])
        for row, one in enumerate(counts)
        for term, count in one.items()
        if term in place
    ]
    rows, columns, values = (list(column) for column in zip(*cells, strict=True)) if cells else ([], [], [])
    matrix = sparse.csr_array((values, (rows, columns)), shape=(len(products), len(terms)), dtype=np.float64)
    length = np.sqrt(matrix.multiply(matrix).sum(axis=1))
    return sparse.diags_array(1.0 / np.where(length > 0, length, 1.0)) @ matrix


def _directions(words: Any, rank: int) -> NDArray[np.float32]:
    """Return the words of each product as `rank` numbers: along the directions in which products differ most."""
    _, axes = np.linalg.eigh((words.T @ words).toarray())  # terms x terms; the highest come last
    along = words @ axes[:, ::-1][:, :rank]
    length = np.linalg.norm(along, axis=1, keepdims=True)
    return np.ascontiguousarray(along / np.where(length > 0, length, 1.0), np.float32)
