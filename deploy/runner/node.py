"""The service that is written in TypeScript: built where Node is found, when its sources have changed.

Packages come by `npm ci` from package-lock.json, which pins each by its digest and names no registry's address.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from deploy.model.errors import DeployError, MissingProgram, StartFailed
from deploy.model.home import REPOSITORY
from deploy.runner.program import output_of

SERVICE = REPOSITORY / "variants" / "notifications_node"
SETTING = "NOTIFICATIONS_IN"
LEAST_VERSION = 20
BUILD_TIMEOUT_S = 300
_HINT = f"install Node {LEAST_VERSION} or newer, with npm, or leave {SETTING} unset"


def is_chosen() -> bool:
    """Tell whether the environment asks for the notifications in Node. Raises StartFailed for another language."""
    language = os.environ.get(SETTING) or "python"
    if language not in ("python", "node"):
        raise StartFailed(f"{SETTING}={language}: there are python and node.")
    return language == "node"


def find() -> Path:
    """Return the program. Raises MissingProgram if there is none, or if it is too old."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise MissingProgram(f"{'node' if node is None else 'npm'} is not on this machine: {_HINT}.")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    major = version.removeprefix("v").partition(".")[0]
    if not major.isdigit() or int(major) < LEAST_VERSION:
        raise MissingProgram(f"node {version} is too old: {_HINT}.")
    return Path(node)


def build() -> None:
    """Install the packages and compile, as far as that is not done. Raises StartFailed with what npm said."""
    packages, built = SERVICE / "node_modules" / ".package-lock.json", SERVICE / "dist" / "main.js"
    if _older(packages, [SERVICE / "package-lock.json"]):
        # No script of a package runs, and none is needed.
        _npm("ci", "--ignore-scripts", "--no-audit", "--no-fund")
    if _older(built, [SERVICE / "tsconfig.json", packages, *(SERVICE / "src").glob("*.ts")]):
        _npm("run", "build")
        os.utime(built)


def _older(target: Path, sources: list[Path]) -> bool:
    return not target.exists() or any(target.stat().st_mtime < source.stat().st_mtime for source in sources)


def _npm(*arguments: str) -> None:
    try:
        output_of(["npm", *arguments], BUILD_TIMEOUT_S, folder=SERVICE, with_errors=True)
    except DeployError as error:
        raise StartFailed(str(error)) from error
