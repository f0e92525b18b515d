"""Asks the package index which packages of requirements.txt have no wheel on other platforms, and writes the table.

`python docs/platforms/check.py` asks uv for a resolution by wheels alone, leaves out what it names as missing, and asks
again. Nothing is downloaded or installed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).resolve().parent
REQUIREMENTS = HERE.parents[1] / "requirements.txt"
TABLE = HERE / "README.md"
PYTHONS = ("3.11", "3.13")
# What the table says -> what uv is asked for, and the macOS version where there is one.
PLATFORMS = {
    "Linux, x86-64": ("x86_64-manylinux_2_31", ""),
    "Linux, ARM": ("aarch64-manylinux_2_31", ""),
    "macOS 15, Apple silicon": ("aarch64-apple-darwin", "15.0"),
    "macOS 15, Intel": ("x86_64-apple-darwin", "15.0"),
}
MISSING = re.compile(r"Because ([\w.-]+?)==(\S+) has no (?:wheels|usable wheels)")


def missing_on(platform: str, macos: str, python: str) -> list[str]:
    """Return the packages without a wheel there, as `name version`. Raises RuntimeError for any other trouble."""
    names: list[str] = []
    text = REQUIREMENTS.read_text("utf-8")
    environment = os.environ | ({"MACOSX_DEPLOYMENT_TARGET": macos} if macos else {})
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / "requirements.txt"
        while True:
            listed.write_text(text, "utf-8")
            words = ["pip", "install", "--dry-run", "--no-deps", "--only-binary", ":all:", "--target", folder]
            words += ["--python-platform", platform, "--python-version", python, "-r", str(listed)]
            done = subprocess.run(
                [Path(sys.executable).with_name("uv"), *words], capture_output=True, text=True, check=False,
                env=environment,
            )  # fmt: skip
            if done.returncode == 0:
                return sorted(names)
            found = MISSING.search(" ".join(done.stderr.split()))
            if found is None:
                raise RuntimeError(done.stderr)
            names.append(f"{found[1]} {found[2]}")
            text = re.sub(rf"^{re.escape(found[1])}==(?:.*\\\n)*.*\n", "", text, flags=re.MULTILINE)


def table() -> str:
    """Return the page."""
    rows = [
        f"| {name} | {python} | {', '.join(missing) or 'all there'} |"
        for name, (platform, macos) in PLATFORMS.items()
        for python in PYTHONS
        for missing in [missing_on(platform, macos, python)]
    ]
    return "\n".join(
        [
            "# Platforms", "",
            "Which packages of `requirements.txt` have no wheel on a platform, as the package index said on "
            f"{datetime.now(UTC):%Y-%m-%d} (`python docs/platforms/check.py` asks again). What lacks one is built "
            "from its source, which takes a compiler; PostgreSQL, NATS and Envoy cannot be built that way.", "",
            "| platform | Python | without a wheel |", "|---|---|---|", *rows, "",
            "Tests run on Linux, x86-64, alone: elsewhere it is known what packages there are, and not that all works.",
            "",
        ]
    )  # fmt: skip


if __name__ == "__main__":
    TABLE.write_text(table(), "utf-8")
    sys.stdout.write(TABLE.read_text("utf-8"))
