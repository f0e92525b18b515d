"""What is counted is counted right: code and not comments, orders and not warm-ups."""

from __future__ import annotations

from pathlib import Path

from deploy.model.parts import Secrets, Site
from deploy.model.topology import build
from loadtests.measure import inventory

CODE = '''"""A docstring
over two lines."""

import os  # 1

# a comment


def f(x: int) -> int:  # 2
    """Say something."""
    return (  # 3
        x  # 4

        + len("""not a
docstring""")  # 5 and 6
    )  # 7
'''


def test_blank_lines_comments_and_docstrings_are_no_code() -> None:
    assert inventory.lines_of_code(CODE) == 7


def test_tests_are_no_source(tmp_path: Path) -> None:
    folder = tmp_path / "microservices"
    folder.mkdir()
    for name in ("app.py", "test_app.py", "conftest.py"):
        (folder / name).write_text("x = 1\ny = 2\n", "utf-8")

    assert inventory.source("microservices", tmp_path) == {"lines of code": 2, "files": 1}


def test_both_builds_have_source_and_the_topology_has_parts() -> None:
    site = Site(Secrets(b"x" * 32), keys="keys", data="data")
    counted = {name: inventory.parts(build("deploy.model.topology:stack", name, site)) for name in inventory.SOURCES}

    assert all(inventory.source(name)["files"] > 10 for name in inventory.SOURCES)
    assert counted["monolith"]["database servers"] == 1
    assert counted["microservices"]["database servers"] == 4


def test_what_parts_counted_is_divided_by_the_orders() -> None:
    counted = {
        "orders": {"db_statements": 20, "db_commits": 10, "calls": 20, "calls to catalog": 10, "calls to payments": 10},
        "payments": {"db_statements": 10, "db_commits": 10, "calls": 10},
    }

    figures = inventory.per_order(counted, carried=30, orders=10)

    assert figures["HTTP requests through Envoy"] == 3
    assert figures["statements"] == 3
    assert figures["transactions"] == 2
    assert figures["calls to other processes"] == 3
