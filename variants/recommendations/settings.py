"""Settings of recommendations, the same in both builds."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from pydantic import Field
from pydantic_settings import BaseSettings


class RecommendationSettings(BaseSettings):
    """Where models are, how large they are, and how long a customer waits for one. Durations carry their unit."""

    REQUIRED: ClassVar[tuple[str, ...]] = ("model_dir",)

    model_dir: str = ""  # all replicas of a shop share it
    model_rank: int = Field(default=64, ge=1, le=2_000)  # numbers that keep the words of a product
    history_orders: int = Field(default=0, ge=0, le=1_000_000)  # made up from a seed, so that a new shop has a past
    train_after_orders: int = Field(default=20, ge=1)  # new ones, until the next model is trained
    look_every_s: float = Field(default=2.0, gt=0)  # for new orders, and for a model that somebody has trained
    inference_threads: int = Field(default=2, ge=1, le=64)  # answers that are computed at a time
    recommend_within_ms: int = Field(default=200, ge=1, le=10_000)  # what waits longer for a thread gets bestsellers

    @property
    def models(self) -> Path:
        """The folder of the models."""
        return Path(self.model_dir)
