"""Reads the README and its two pages: the commands of its ```console blocks, the files that it names."""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
README = REPOSITORY / "README.md"
RUNNING = REPOSITORY / "docs" / "running.md"
PAGES = (README, RUNNING, REPOSITORY / "docs" / "measuring.md")

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


def commands_of(*pages: Path) -> list[Command]:
    """Return the commands of all console blocks, in the order of the pages (all where none is named), each once."""
    blocks = [block for page in pages or PAGES for block in _BLOCK.findall(page.read_text("utf-8"))]
    lines = [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]
    return [Command(tuple(shlex.split(line, comments=True))) for line in dict.fromkeys(lines)]


def inline_commands_of() -> list[Command]:
    """Return the `make ...` commands that the pages mention in their text."""
    codes = [code for page in PAGES for code in _CODE.findall(page.read_text("utf-8"))]
    return [Command(tuple(shlex.split(code))) for code in codes if code.startswith("make ") and "..." not in code]


def files_of(page: Path) -> list[str]:
    """Return the paths into this repository that the page names, in code or as links (seen from its folder)."""
    text = page.read_text("utf-8")
    in_code = [code for code in _CODE.findall(text) if _FILE.fullmatch(code)]
    here = os.path.relpath(page.parent, REPOSITORY)
    links = [os.path.normpath(os.path.join(here, link)) for link in _LINK.findall(text) if "://" not in link]
    return sorted({*in_code, *links})
