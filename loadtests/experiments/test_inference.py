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
    measured(findings.ROUTED, "hot", 60.0, 200.0),
    measured("microservices", "hot", 44.0, 70.0),
    measured("monolith", "hot", 300.0, 110.0, replicas=2),
    measured("microservices", "hot", 45.0, 130.0, replicas=2),
    measured("monolith", "grown", 900.0, 12.0),
    measured("microservices", "grown", 44.0, 15.0),
]


def test_orders_are_compared_with_those_of_the_same_arm_when_it_is_calm() -> None:
    outcomes = findings.figures(RUNS)

    assert [findings.slowed(outcomes, arm) for arm in findings.ARMS] == pytest.approx([10.0, 3.0, 1.5, 1.1])
    assert outcomes["monolith"]["hot x1"]["memory_mb"] == 150.0
    assert findings.compare(outcomes)["order_p99_monolith_hot_x2_vs_calm"]["ratio"] == pytest.approx(7.5)


def test_one_pass_names_no_winner() -> None:
    first, capacity, last = findings.answer(findings.figures(RUNS), 10)

    assert capacity.startswith("2 replicas gave 110 recommendations a second as whole monoliths and 130 of inference")
    assert last == "Of 10 times as many products one replica gave 12.0/s (Monolith) and 15.0/s (Microservices)."
    assert "1.1 times in the services. At most 1.2 is aimed at there; one pass shows neither" in first


def test_without_further_replicas_the_hot_phase_is_told_and_not_the_calm_one() -> None:
    single = [one for one in RUNS if one["factors"]["replicas"] == 1]

    assert findings.answer(findings.figures(single), 10)[1].startswith("1 replica gave 60.0 recommendations a second")


def test_runs_that_are_void_say_nothing() -> None:
    void: list[Run] = [{**one, "void": True} for one in RUNS]

    assert findings.answer(findings.figures(void), 10) == ["Too few valid runs to say anything."]


def test_the_control_has_as_much_quota_as_all_services() -> None:
    arms: Any = {name: SimpleNamespace(name=name) for name in inference.HOT}

    points = inference.points_of(arms, inference.Form(), 0.2)

    (equal,) = [one for one in points if (one.name, one.phase, one.replicas) == (findings.EQUAL, "hot", 2)]
    assert equal.share * 2 == pytest.approx(0.2 * (2 + inference.OTHERS))


@pytest.mark.parametrize(("is_whole", "content"), [(True, b"a model"), (False, b"a m")])
def test_a_model_is_replaced_whole_or_cut_off_and_one_file_more_is_left(
    tmp_path: Path, monkeypatch: Any, is_whole: bool, content: bytes
) -> None:
    monkeypatch.setattr(model, "RELOAD_EVERY_S", 0.01)
    first = tmp_path / "model-000007-0-orders-10-products-rank-8-0123456789ab.npz"
    first.write_bytes(b"a model")
    done = threading.Event()

    thread = threading.Thread(target=model._replace, args=(tmp_path, done), kwargs={"is_whole": is_whole})
    thread.start()
    while len(list(tmp_path.iterdir())) < 2:
        time.sleep(0.01)
    done.set()
    thread.join()

    kept, newest = sorted(tmp_path.glob("*.npz"))
    assert kept == first
    assert newest.name.endswith("-0-orders-10-products-rank-8-0123456789ab.npz")
    assert (kept.read_bytes(), newest.read_bytes()) == (b"a model", content)
