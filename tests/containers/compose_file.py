"""Reads docker-compose.yml as `docker compose` would, without an engine: anchors, merges, variables."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any

import yaml

from deploy.model.home import REPOSITORY

Service = dict[str, Any]

_VARIABLE = re.compile(r"\$(?:\$|\{(?P<name>\w+)(?::(?P<sign>[-+])(?P<word>[^}]*))?\})")


def read(variables: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the file with `${NAME:-default}` and `${NAME:+word if set}` filled in.

    Raises KeyError for a variable that has neither.
    """
    compose: dict[str, Any] = _filled(
        yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text("utf-8")), variables or {}
    )
    return compose


def command_of(service: Service) -> tuple[str, ...]:
    """Return a service's command as a list of words."""
    command = service.get("command", ())
    return tuple(shlex.split(command)) if isinstance(command, str) else tuple(map(str, command))


def secrets_of(service: Service) -> dict[str, str]:
    """Return the secrets that a service mounts: the name of each file in /run/secrets, and whose secret it is."""
    entries = [{"source": one, "target": one} if isinstance(one, str) else one for one in service.get("secrets", ())]
    return {entry["target"]: entry["source"] for entry in entries}


def megabytes(text: str) -> int:
    """Return a limit such as `160m` as a number."""
    assert text.endswith("m")
    return int(text[:-1])


def _filled(value: Any, variables: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(each, variables) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, variables) for each in value]
    if isinstance(value, str):
        return _VARIABLE.sub(lambda match: _value(match, variables), value)
    return value


def _value(match: re.Match[str], variables: Mapping[str, str]) -> str:
    if match["name"] is None:
        return "$"
    if match["sign"] is None:
        return variables[match["name"]]
    value = variables.get(match["name"], "")
    if match["sign"] == "+":
        return match["word"] if value else ""
    return value or match["word"]
