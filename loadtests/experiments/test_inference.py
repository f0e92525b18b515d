"""What the inference experiment says of runs whose figures are known."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from loadtests.engine import rows
from loadtests.experiments import inference
from loadtests.experiments.inference import findings, model
from loadtests.report.result import Run


def measured(arm: str, phase: str, p99: float, answers: float = 0.0, replicas: int = 1) -> Run:
    latency: Any = {"p50": p99 / 2, "p95": p99, "p99": p99, "max": p99}
    factors = {"phase": phase, "replicas": replicas, "share": 0.2}
    own: Any = {"latency_ms": latency, "rate_achieved": answers, "memory_mb_by_part": {"a": 100.0, "b": 50.0}}
    return rows.bare(1, arm, replicas, "mix", 10) | own | {"factors": factors}


RUNS = [
    *(measured(arm, "calm", 40.0, 4.0) for arm in findings.ARMS),
    measured("monolith", "hot", 400.0, 60.0),
    measured(findings.EQUAL, "hot", 120.0, 300.0),
    measured("microservices", "hot", 44.0, 70.0),
    measured("monolith", "hot", 300.0, 110.0, replicas=2),
    measured("microservices", "hot", 45.0, 130.0, replicas=2),
]


def test_orders_are_compared_with_those_of_the_same_arm_when_it_is_calm() -> None:
    found = findings.figures(RUNS)

    assert [findings.slowed(found, arm) for arm in findings.ARMS] == pytest.approx([10.0, 3.0, 1.1])
    assert found["monolith"]["hot x1"]["memory_mb"] == 150.0
    assert findings.compare(found)["order_p99_monolith_hot_x2_vs_calm"]["ratio"] == pytest.approx(7.5)


def test_one_pass_names_no_winner() -> None:
    first, *_ = findings.answer(findings.figures(RUNS))

    assert "1.1 times in the services. At most 1.2 is aimed at there; one pass shows neither" in first


def test_runs_that_are_void_say_nothing() -> None:
    void: list[Run] = [{**one, "void": True} for one in RUNS]

    assert findings.answer(findings.figures(void)) == ["Too few valid runs to say anything."]


def test_the_control_has_as_much_quota_as_all_services() -> None:
    arms: Any = {name: SimpleNamespace(name=name) for name in inference.HOT}

    points = inference.points_of(arms, inference.Form(), 0.2)

    (equal,) = [one for one in points if (one.name, one.phase, one.replicas) == (findings.EQUAL, "hot", 2)]
    assert equal.share * 2 == pytest.approx(0.2 * (2 + inference.OTHERS))


def test_a_model_is_replaced_by_itself_and_one_file_more_is_left(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(model, "RELOAD_EVERY_S", 0.01)
    first = tmp_path / "model-000007-0-orders-10-products-rank-8-0123456789ab.npz"
    first.write_bytes(b"a model")
    done = threading.Event()

    thread = threading.Thread(target=model._replace, args=(tmp_path, done))
    thread.start()
    while len(list(tmp_path.iterdir())) < 2:
        time.sleep(0.01)
    done.set()
    thread.join()

    kept, newest = sorted(tmp_path.glob("*.npz"))
    assert kept == first
    assert newest.name.endswith("-0-orders-10-products-rank-8-0123456789ab.npz")
    assert newest.read_bytes() == b"a model"
