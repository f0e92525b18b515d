"""The pieces of Envoy's configuration that no stack decides: they stand in envoy.yaml, in Envoy's own language."""

from __future__ import annotations

import copy
import functools
from pathlib import Path
from typing import Any

import yaml


def fragment(name: str) -> dict[str, Any]:
    """Return a piece of envoy.yaml, for the caller to add to."""
    return copy.deepcopy(_fragments()[name])


@functools.cache
def _fragments() -> dict[str, dict[str, Any]]:
    fragments: dict[str, dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("envoy.yaml").read_text("utf-8"))
    return fragments
