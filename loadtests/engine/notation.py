"""How an arm is written: BUILD[+VARIANT][:PART.SETTING=VALUE,...][@COMMIT][ on PLACE], or an address.

monolith:web.WEB_THREADS=64        a setting of a part; `*` is every application
monolith+fastapi                   a variant, or what `twinshop up --with` adds
microservices@main~20              another commit; BUILD may be left out where the other arm says it
monolith on compose                containers in place of processes
https://shop.example:8443          a shop that somebody else runs
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from deploy.compose.site import STACKS as IN_CONTAINERS
from deploy.model.errors import DeployError
from deploy.model.extras import STACKS_OF
from deploy.model.home import REPOSITORY
from deploy.model.parts import PYTHON, VARIANT, Part, Secrets, Site, Stack
from deploy.model.topology import SHOPS
from deploy.model.topology import stack as stack_of
from deploy.stacks import VARIABLE
from loadtests.engine import commits
from loadtests.engine.arm import ArmSpec
from loadtests.load.elsewhere import ShopElsewhere
from loadtests.report.words import slug

FORM = "BUILD[+VARIANT][:PART.SETTING=VALUE,...][@COMMIT][ on PLACE], or https://ADDRESS"
PLACES = ("local", "compose")
# What every application reads, and what every one with a broker does, wherever its own settings are.
COMMON_SETTINGS = ("shared/platform/settings.py", "microservices/kit/settings.py")
_ARM = re.compile(
    r"(?P<build>[a-z]*)(?P<variants>(?:\+[\w-]+)*)(?::(?P<settings>[^@]*?))?"
    r"(?:@(?P<commit>[^@\s]+))?(?: on (?P<on>\S+))?"
)
_SETTING = re.compile(r"(?P<part>[\w*-]+)\.(?P<name>\w+)=(?P<value>.*)")


@dataclass(frozen=True)
class Written:
    """An arm as it is written, read so far as that can be done without the code that it runs."""

    text: str
    build: str
    variants: tuple[str, ...]
    settings: tuple[tuple[str, str, str], ...]  # part, name, value
    commit: str
    on: str


def arms(texts: Sequence[str], tokens_from: Sequence[str], opened: ExitStack) -> list[ArmSpec]:
    """Return the arms that are meant. Work trees and tokens last until `opened` is closed. Raises DeployError."""
    texts = [" ".join(text.split()) for text in texts]
    away = ShopElsewhere.each([text for text in texts if is_address(text)], tokens_from)
    if tokens_from and not away:
        raise DeployError("--tokens-from is for addresses, and none of the arms is one.")
    commits.clear()
    written = [None if is_address(text) else read(text) for text in texts]
    if len({slug(text) for text in texts}) < len(texts):
        raise DeployError(f"{' and '.join(texts)} are the same: every arm is measured beside itself once more anyway.")
    shops, known = iter(away), [one.build for one in written if one and one.build]
    return [
        _started(replace(one, build=one.build or next(iter(known), SHOPS[0])), opened) if one
        else ArmSpec(text, "elsewhere", shop=opened.enter_context(next(shops).opened()))
        for text, one in zip(texts, written, strict=True)
    ]  # fmt: skip


def is_address(text: str) -> bool:
    """Whether this is the address of a shop."""
    return "://" in text


def read(text: str) -> Written:
    """Take an arm apart. Raises DeployError that says how one is written, or which builds and places there are."""
    match = _ARM.fullmatch(text)
    if not match or not text:
        raise DeployError(f"'{text}' is no arm; write {FORM}.")
    build, commit, on = match["build"], match["commit"] or "", match["on"] or _place_of_environment()
    if build not in SHOPS and not (commit and not build):
        raise DeployError(f"'{text}': there is no build '{build}'; there are {', '.join(SHOPS)}. An arm is {FORM}.")
    if on not in PLACES:
        raise DeployError(f"'{text}': there is no place '{on}' for a comparison; there are {', '.join(PLACES)}.")
    settings = []
    for item in (match["settings"] or "").split(",") if match["settings"] is not None else ():
        setting = _SETTING.fullmatch(item)
        if not setting:
            raise DeployError(
                f"'{text}': '{item}' is no setting; write PART.SETTING=VALUE, such as web.WEB_THREADS=64."
            )
        settings.append((setting["part"], setting["name"], setting["value"]))
    variants = tuple(match["variants"].split("+")[1:])
    if on == "compose" and (commit or set(variants) & STACKS_OF.keys() or build not in IN_CONTAINERS):
        raise DeployError(
            f"'{text}': containers run {' and '.join(IN_CONTAINERS[1:])} of the images that are built here: no commit, "
            f"no {', '.join(STACKS_OF)}."
        )
    return Written(text, build, variants, tuple(settings), commit, on)


def _place_of_environment() -> str:
    return os.environ.get(VARIABLE) or PLACES[0]


def _started(arm: Written, opened: ExitStack) -> ArmSpec:
    """Return the arm, with its commit checked out. Raises DeployError: a part, setting or variant that there is not."""
    stack = stack_of(arm.build, Site(Secrets(b""), keys="", data=""))
    extras = [one for one in arm.variants if arm.build in STACKS_OF.get(one, ())]
    stack = stack_of(arm.build, Site(Secrets(b""), keys="", data="", extras=tuple(extras))) if extras else stack
    settings: dict[str, dict[str, str]] = {}
    for variant in arm.variants:
        having = [part for part in stack.parts if variant in part.variants]
        if not having and variant not in extras:
            every = {name for part in stack.parts for name in part.variants}
            every |= {name for name, builds in STACKS_OF.items() if arm.build in builds}
            raise DeployError(
                f"'{arm.text}': {arm.build} has no variant '{variant}'; there are {', '.join(sorted(every)) or 'none'}."
            )
        for part in having:
            settings.setdefault(part.name, {})[VARIANT] = variant
    checkout = opened.enter_context(commits.checked_out(arm.commit, arm.build)) if arm.commit else None
    tree = Path(checkout.folder) if checkout else REPOSITORY
    for name, setting, value in arm.settings:
        for part in _parts(arm, stack, name):
            _require_setting(arm, part, setting, settings.get(part.name, {}), tree)
            settings.setdefault(part.name, {})[setting] = value
    return ArmSpec(arm.text, arm.build, settings, extras=tuple(extras), checkout=checkout, on=arm.on)


def _parts(arm: Written, stack: Stack, name: str) -> list[Part]:
    applications = [part for part in stack.parts if part.kind == "app"]
    parts = applications if name == "*" else [part for part in applications if part.name == name]
    if not parts:
        names = ", ".join(part.name for part in applications)
        raise DeployError(f"'{arm.text}': {arm.build} has no application '{name}'; there are {names}, and * for all.")
    return parts


def _require_setting(arm: Written, part: Part, name: str, own: dict[str, str], tree: Path) -> None:
    known = settings_of(part, own, tree)
    if name not in known:
        raise DeployError(f"'{arm.text}': {part.name} has no setting '{name}'; there are {', '.join(sorted(known))}.")


def settings_of(part: Part, own: dict[str, str], tree: Path) -> set[str]:
    """Return the settings that an application reads, by the classes of settings beside its module in a work tree."""
    commands = [part.command, part.command_with(own)]
    folders = [Path(*command[2].split(".")).parent for command in commands if command[:2] == PYTHON]
    files = [
        *(tree / name for name in COMMON_SETTINGS[: 2 if "NATS_URL" in part.environment else 1]),
        *(one for folder in folders for one in (tree / folder).glob("*.py")),
    ]
    return {name for file in files if file.exists() for name in _fields(file)} | part.environment.keys() | {VARIANT}


def _fields(file: Path) -> list[str]:
    """Return the fields of the classes called ...Settings in a file, as they are called in an environment."""
    classes = [one for one in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(one, ast.ClassDef)]
    return [
        field.target.id.upper()
        for one in classes if one.name.endswith("Settings")
        for field in one.body
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and field.target.id.islower()
    ]  # fmt: skip
