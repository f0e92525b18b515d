"""The page of profiles: what it says without a script."""

from __future__ import annotations

from collections import Counter

from loadtests.profiling.flames import flame
from loadtests.profiling.page import render
from loadtests.profiling.profiles import Profile

QUERY = "execute (sqlalchemy/engine/base.py:1450)"
OWN = "<lambda> (monolith/orders/place_order.py:20)"


def a_profile(build: str, unit: str) -> Profile:
    stacks = {"web": Counter({(OWN, QUERY): 3, (OWN,): 1, (OWN, "seldom (x.py:1)"): 0})}
    return Profile(build, unit, 400, 4, flame(build, {"web": 0.4, "db": 0.1}, stacks))


def test_orders_come_first_and_the_builds_beside_each_other() -> None:
    page = render([a_profile(build, unit) for unit in ("list", "order") for build in ("monolith", "microservices")])

    heads = [
        "<h2>An order",
        "Monolith: 0.50 ms",
        "Microservices: 0.50 ms",
        "<h2>A list",
        "Monolith: 0.50",
        "Microservices: 0.50",
    ]
    at = -1
    for head in heads:
        at = page.index(head, at + 1)


def test_the_table_has_share_and_cpu_of_the_dearest_functions() -> None:
    page = render([a_profile("monolith", "order")])

    figures = '<tr><td class="n">0.300</td><td class="n">60.0 %</td><td class="n">0.300</td>'
    assert f'{figures}<td>web</td><td class="code">{QUERY}</td>' in page
    assert '<td>db</td><td class="code">all of it, not sampled</td>' in page


def test_names_are_escaped_and_boxes_too_narrow_to_be_seen_left_out() -> None:
    page = render([a_profile("monolith", "order")])

    assert "<lambda>" not in page
    assert (
        'class="own" title="&lt;lambda&gt; (monolith/orders/place_order.py:20): 0.400 ms CPU an order, 80.0 %' in page
    )
    assert "seldom" not in page
