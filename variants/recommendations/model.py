"""The model: two matrices, and the two lists that they give for a product. Kept as a file, named by what is in it."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ranked = NDArray[np.int32]
_DIGITS = 5  # scores that differ by less are a draw, which the lower number wins: the same on every processor
_ARRAYS = ("starts", "partners", "scores", "words", "popular", "catalogue")


class WrongModel(ValueError):
    """These bytes are no model, or not the one that they say they are."""


@dataclass(frozen=True)
class Model:
    """What was learned of n products. Products are numbers here, in the order of `skus`.

    `starts` (n + 1), `partners` and `scores` are a sparse matrix by rows: who is bought together with a product, the
    likeliest first. `words` (n x rank, rows of length 1 or 0): near each other are products of like words. `popular`:
    the most bought ones.
    """

    skus: tuple[str, ...]
    names: tuple[str, ...]
    categories: tuple[str, ...]
    starts: NDArray[np.int64]
    partners: Ranked
    scores: NDArray[np.float32]
    words: NDArray[np.float32]
    popular: Ranked

    @cached_property
    def number_of(self) -> dict[str, int]:
        """Which number a sku has."""
        return {sku: number for number, sku in enumerate(self.skus)}

    @cached_property
    def version(self) -> str:
        """Twelve hex digits that only this content has."""
        digest = hashlib.sha256()
        for array in self._arrays().values():
            digest.update(f"{array.dtype.str}{array.shape}".encode())
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()[:12]

    @property
    def rank(self) -> int:
        """How many numbers stand for the words of a product."""
        return int(self.words.shape[1])

    def together(self, product: int, count: int) -> Ranked:
        """Return who is bought together with this product, at most `count`, the likeliest first."""
        return self.partners[self.starts[product] : self.starts[product + 1]][:count]

    def similar(self, product: int, count: int) -> Ranked:
        """Return the products of like words, at most `count`. It looks at every product: n x rank multiplications."""
        likeness = self.words @ self.words[product]
        likeness[product] = -1.0
        return highest(likeness, count)

    def ranked(self, product: int, count: int) -> Ranked:
        """Return the best guesses: what is bought together, and as far as that does not reach, what is similar."""
        together = self.together(product, count)
        if len(together) == count:
            return together
        more = [other for other in self.similar(product, count) if other not in together]
        return np.concatenate([together, np.array(more, np.int32)])[:count]

    def dump(self) -> bytes:
        """Return the file."""
        packed = io.BytesIO()
        arrays: dict[str, Any] = {"version": np.frombuffer(self.version.encode(), np.uint8), **self._arrays()}
        np.savez(packed, **arrays)
        return packed.getvalue()

    @classmethod
    def load(cls, content: bytes) -> Model:
        """Read a file. Raises WrongModel for one that is damaged, or whose content is not what it says."""
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
                starts, partners, scores, words, popular, catalogue = (arrays[name] for name in _ARRAYS)
                version = arrays["version"].tobytes().decode()
            skus, names, categories = (tuple(column) for column in json.loads(catalogue.tobytes()))
            model = cls(skus, names, categories, starts, partners, scores, words, popular)
        except (ValueError, KeyError, TypeError, EOFError, OSError, zipfile.BadZipFile) as error:
            raise WrongModel(f"it cannot be read: {error}") from error
        if model.version != version:
            raise WrongModel(f"it says it is {version}, and its content is {model.version}")
        model._check()
        return model

    def _check(self) -> None:
        number = len(self.skus)
        fits = (
            {len(self.names), len(self.categories)} == {number}
            and len(self.starts) == number + 1
            and self.words.shape[:1] == (number,)
        )
        inside = all(not len(one) or (one.min() >= 0 and one.max() < number) for one in (self.partners, self.popular))
        if not (fits and inside and int(self.starts[-1]) == len(self.partners) == len(self.scores)):
            raise WrongModel("its arrays do not fit each other")

    def _arrays(self) -> dict[str, NDArray[Any]]:
        catalogue = np.frombuffer(json.dumps([self.skus, self.names, self.categories]).encode(), np.uint8)
        own = (self.starts, self.partners, self.scores, self.words, self.popular, catalogue)
        return dict(zip(_ARRAYS, own, strict=True))


def highest(scores: NDArray[np.float32], count: int) -> Ranked:
    """Return the places of the highest scores above 0, at most `count`; of a draw the lower place comes first."""
    count = min(count, len(scores))
    if count <= 0:
        return np.zeros(0, np.int32)
    rounded = np.round(scores, _DIGITS)
    bound = np.partition(rounded, len(rounded) - count)[len(rounded) - count]
    candidates = np.flatnonzero((rounded >= bound) & (rounded > 0))  # all that draw for the last place
    order = np.lexsort((candidates, -rounded[candidates]))
    return candidates[order][:count].astype(np.int32)
