"""Settings of tracing, from the environment."""

from __future__ import annotations

import os
from typing import Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

OTLP_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")  # named by the standard


class TracingSettings(BaseSettings):
    """The share of all traces that is kept, and where: in files, at OTEL_EXPORTER_OTLP_ENDPOINT, or both."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    trace_sampling: float = Field(default=1.0, ge=0, le=1)
    trace_dir: str = ""
    replica: str = "0"

    @property
    def exports(self) -> bool:
        """Whether spans are sent by OTLP."""
        return any(map(os.environ.get, OTLP_ENDPOINTS))

    @model_validator(mode="after")
    def _spans_go_somewhere(self) -> Self:
        """Refuse to record what nobody would ever see."""
        if not self.trace_dir and not self.exports:
            raise ValueError(f"set TRACE_DIR or {OTLP_ENDPOINTS[0]}, or nobody sees the spans")
        return self
