"""The setting of this variant."""

from __future__ import annotations

from pydantic_settings import BaseSettings


class CountingSettings(BaseSettings):
    """While the file is there, nothing is counted."""

    counting_off_file: str
