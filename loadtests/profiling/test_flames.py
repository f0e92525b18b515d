"""Sampled stacks become a tree whose widths add up to the CPU that is accounted."""

from __future__ import annotations

from collections import Counter

import pytest

from loadtests.profiling.flames import flame, read_collapsed, top_functions

RAW = """\
process 7:"python -m monolith.app";process 9:"python -m monolith.app" 40
process 7:"python -m monolith.app";Thread._bootstrap (threading.py:988);post (a.py:1);execute (b.py:2) 3
post (a.py:1) 1
post (a.py:1);execute (b.py:2) 2
"""
PART = {"web": Counter({("post", "execute"): 6, ("post",): 2})}


def test_processes_and_what_starts_a_thread_are_no_functions() -> None:
    counts = read_collapsed(RAW)

    assert counts == {("post (a.py:1)", "execute (b.py:2)"): 5, ("post (a.py:1)",): 1}


def test_a_parts_cpu_is_divided_among_its_samples() -> None:
    root = flame("monolith", {"web": 4.0, "db": 1.0}, PART)

    post = root.callees["web"].callees["post"]
    assert root.ms == pytest.approx(5.0)
    assert post.ms == pytest.approx(4.0)
    assert post.self_ms == pytest.approx(1.0)
    assert post.callees["execute"].ms == pytest.approx(3.0)


def test_a_part_that_was_not_sampled_is_one_box() -> None:
    root = flame("monolith", {"web": 4.0, "db": 1.0}, PART)

    assert root.callees["db"].ms == 1.0
    assert not root.callees["db"].callees


def test_the_dearest_functions_come_first_and_own_times_add_up_to_all() -> None:
    rows = top_functions(flame("monolith", {"web": 4.0, "db": 1.5}, PART), 9)

    assert [(row.part, row.function) for row in rows] == [("web", "execute"), ("db", "db"), ("web", "post")]
    assert sum(row.self_ms for row in rows) == pytest.approx(5.5)


def test_a_function_that_calls_itself_is_counted_once() -> None:
    root = flame("monolith", {"web": 4.0}, {"web": Counter({("walk", "walk", "leaf"): 1, ("walk",): 1})})

    walk = next(row for row in top_functions(root, 9) if row.function == "walk")
    assert walk.ms == pytest.approx(4.0)
    assert walk.self_ms == pytest.approx(2.0)
