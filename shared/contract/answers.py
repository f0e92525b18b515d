"""Answers as bytes, so that one can be stored and given again byte for byte."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from pydantic import BaseModel

from shared.contract.problems import Problem, problem_of_error
from shared.domain.errors import ShopError

JSON = "application/json"


@dataclass(frozen=True)
class Answer:
    """Status, body, media type, and what other headers there are."""

    status: int
    body: bytes
    media_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, status: int, body: BaseModel) -> Self:
        """Return the answer with this model as its JSON body. Nothing is validated again."""
        return cls(status, body.model_dump_json().encode())

    @classmethod
    def of_problem(cls, problem: Problem) -> Self:
        """Return the answer that tells this problem."""
        headers = dict(problem.headers)
        return cls(problem.status, json.dumps(problem.body).encode(), headers.pop("Content-Type"), headers)

    @classmethod
    def of_error(cls, error: ShopError, *, instance: str, trace_id: str) -> Self:
        """Return the answer that tells one of the shop's errors."""
        return cls.of_problem(problem_of_error(error, instance=instance, trace_id=trace_id))

    def located(self, order_id: str) -> Self:
        """Return the same answer with the address of its order, if it does not refuse one."""
        return self._with_header("Location", f"/orders/{order_id}") if self.status in (201, 202) else self

    def replayed(self) -> Self:
        """Return the same answer, marked as given before."""
        return self._with_header("Idempotent-Replayed", "true")

    def _with_header(self, name: str, value: str) -> Self:
        return replace(self, headers={**self.headers, name: value})
