"""What the room reads of Envoy and of the parts, and what it makes of it."""

from __future__ import annotations

from room.actions import Actions, CommandRun, command_line
from room.control import report_of
from room.drawing import of
from room.edge import LATENCY, Counters, decode
from room.events import StateChanges
from room.part_metrics import decode as decode_metrics


def counters(total: int, *buckets: tuple[float, int]) -> Counters:
    """Return counters with latencies in buckets of 1 ms."""
    return Counters({"http.edge.downstream_rq_total": total}, {LATENCY: {at: (1.0, count) for at, count in buckets}})


def test_envoys_answer_becomes_counters() -> None:
    details = [{"name": "http.edge.downstream_rq_time", "totals": [{"lower_bound": 5, "width": 0.1, "count": 2}]}]
    counts = decode(
        {
            "stats": [
                {"name": "http.edge.downstream_rq_total", "value": 7},
                {"name": "cluster.catalog.upstream_rq_total", "value": 6},
                {"name": "http.inner-catalog.downstream_rq_total", "value": 2},
                {"name": "vhost.edge.vcluster.orders.upstream_rq_201", "value": 1},
                {"name": "vhost.edge.vcluster.orders.upstream_rq_202", "value": 3},
                {"histograms": {"details": details}},
            ]
        }
    )

    assert (counts.edge("total"), counts.outer("catalog"), counts.inner("catalog")) == (7, 4, 2)
    assert (counts.of("orders", "201"), counts.of("orders", "202"), counts.of("browsing", "5xx")) == (1, 3, 0)
    assert counts.times == {LATENCY: {5: (0.1, 2)}}


def test_only_what_is_new_counts() -> None:
    new = counters(30, (1, 10), (2, 20)).since(counters(10, (1, 10)))

    assert new.edge("total") == 20
    assert new.times[LATENCY] == {2: (1.0, 20)}


def test_after_a_restart_of_envoy_everything_is_new() -> None:
    assert counters(5, (3, 5)).since(counters(100, (3, 100))).edge("total") == 5


def test_percentiles_lie_within_their_bucket() -> None:
    window = counters(100, (1, 50), (10, 49), (200, 1))

    assert window.percentile_ms(50) == 2
    assert window.percentile_ms(99) == 11
    assert counters(0).percentile_ms(99) is None


def test_metrics_of_a_part_are_added_up_by_link() -> None:
    text = b"""# HELP db_statements_total x
db_statements_total 466.0
http_client_calls_total{outcome="200",peer="catalog"} 4.0
http_client_calls_total{outcome="200",peer="provider"} 2.0
http_client_calls_total{outcome="timeout",peer="provider"} 1.0
events_published_total{type="order.confirmed"} 4.0
events_published_total{type="order.cancelled"} 1.0
mails_sent_total 3.0
"""

    assert decode_metrics(text) == {"database": 466, "provider": 3, "broker": 5, "mail": 3}


def test_changes_of_state_are_told_once_and_in_words() -> None:
    changes = StateChanges()
    changes.of("monolith", {"web.0": "ready"})

    assert changes.of("monolith", {"web.0": "held"}) == [("web.0 is held down", False)]
    assert changes.of("monolith", {"web.0": "held"}) == []
    assert changes.of("monolith", {"web.0": "ready", "web.1": "ready"}) == [
        ("web.0 is ready", True),
        ("web.1 is ready", True),
    ]
    assert changes.of("monolith", {}) == [("monolith is down", False)]


def test_every_link_of_a_drawing_has_two_ends() -> None:
    for stack in ("monolith", "microservices"):
        plan = of(stack)
        names = {node["id"] for node in plan["nodes"]}

        assert {end for link in plan["links"] for end in (link["start"], link["end"])} <= names


def test_a_command_is_shown_as_it_is_typed() -> None:
    words = ["kill", "payments", "--stack", "microservices"]
    assert command_line(words) == "twinshop kill payments --stack microservices"


def test_a_commands_output_becomes_lines_progress_and_a_report() -> None:
    run = CommandRun(("experiment", "steady"), "")
    for line in (
        "⠋ Setting up ━━━━━━ 0/? 0:00:01",
        "⠋ Run 3: monolith at 56/s ━━━━╸━━ 3/12 0:01:07",
        "  51.6 s  both builds behave the same",
        "Report: /somewhere/reports/20261120-steady/index.html",
    ):
        Actions.note(run, line)

    assert (run.doing, run.share) == ("Run 3: monolith at 56/s", 0.25)
    assert len(run.lines) == 2
    assert report_of(run) == "/reports/20261120-steady/index.html"
