"""Finds a Chromium on this machine and starts it for tests and pictures."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from deploy.model.errors import MissingProgram

NAMES = ("chromium", "chromium-browser", "google-chrome")
# It draws in software and calls nobody: what it would fetch for itself is noise in a measurement.
QUIET = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def find() -> str | None:
    """Return the path of the first Chromium on PATH, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Start a headless Chromium for the block. Raises MissingProgram where there is none."""
    path = find()
    if path is None:
        raise MissingProgram(f"There is no browser on this machine: install one of {', '.join(NAMES)}.")
    as_root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []  # its sandbox refuses root
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*QUIET, *as_root])
        try:
            yield browser
        finally:
            browser.close()
