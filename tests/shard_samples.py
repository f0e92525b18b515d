"""Tests that tests/test_shards.py runs as shards. Nobody else collects them: the file's name is not that of tests."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

READY = "TWINSHOP_SAMPLE_READY"  # names a file that is written once the databases are up


def test_quick() -> None:
    assert True


@pytest.mark.skip(reason="a sample of what is skipped")
def test_skipped() -> None:
    raise AssertionError


def test_wrong() -> None:
    assert "APPLE-1" == "BREAD-1"  # noqa: PLR0133


def test_passes_the_second_time() -> None:
    ran = Path(os.environ[READY])
    with ran.open("a", encoding="utf-8") as file:
        file.write("ran\n")
    assert len(ran.read_text("utf-8").splitlines()) == 2


def test_waits_beside_databases(service_database_urls: dict[str, str]) -> None:
    Path(os.environ[READY]).write_text("\n".join(service_database_urls), "utf-8")
    time.sleep(120)


def test_leaves_a_thread() -> None:
    threading.Thread(target=time.sleep, args=(120,), name="left alone").start()
