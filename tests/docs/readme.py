"""Reads a Markdown page: the commands of its ```console blocks, the files that it names."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
README = REPOSITORY / "README.md"

_BLOCK = re.compile(r"^```console\n(.*?)^```", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\(([^)#\s]+)")
_FILE = re.compile(r"(?:shared|monolith|microservices|deploy|loadtests|tests|docs|workshop)/[\w./-]*")


@dataclass(frozen=True)
class Command:
    """A line of a console block that starts with `$`."""

    words: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join(self.words)

    @property
    def target(self) -> str:
        """The target of a `make` command, or the program."""
        return self.words[1] if self.words[0] == "make" else self.words[0]


def commands_of(page: Path = README) -> list[Command]:
    """Return the commands of all console blocks, in the order of the page."""
    lines = [line for block in _BLOCK.findall(page.read_text("utf-8")) for line in block.splitlines()]
    return [Command(tuple(shlex.split(line[2:], comments=True))) for line in lines if line.startswith("$ ")]


def inline_commands_of(page: Path = README) -> list[Command]:
    """Return the `make ...` commands that the text mentions."""
    found = [code for code in _CODE.findall(page.read_text("utf-8")) if code.startswith("make ") and "..." not in code]
    return [Command(tuple(shlex.split(code))) for code in found]


def files_of(page: Path = README) -> list[str]:
    """Return the paths into this repository that the page names, in code or as links."""
    text = page.read_text("utf-8")
    in_code = [code for code in _CODE.findall(text) if _FILE.fullmatch(code)]
    links = [link for link in _LINK.findall(text) if "://" not in link]
    return sorted({*in_code, *links})
