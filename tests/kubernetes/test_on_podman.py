"""The rendered Pods of both shops run under podman: they sell, are replaced unnoticed, and obey `twinshop`."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from deploy.faults.injection import inject
from deploy.kubernetes.cluster import Cluster
from deploy.kubernetes.runner import KubernetesRunner
from deploy.model.errors import Unsupported
from tests.kubernetes.conftest import require_kubectl
from tests.kubernetes.on_podman import load, require_podman, run, shops_on_podman

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

SHOPS = ("monolith", "microservices")
APPS = {"monolith": ("web",), "microservices": ("catalog", "orders", "payments", "notifications")}
REPLACEMENTS = 10
Runners = dict[str, KubernetesRunner]


@pytest.fixture(scope="module")
def shops() -> Iterator[Runners]:
    """The outside world and both shops, as Pods."""
    require_kubectl()
    require_podman()
    with shops_on_podman() as runners:
        yield runners


def eventually(what: Callable[[], bool], within_s: float = 30.0) -> bool:
    deadline = time.monotonic() + within_s
    while not (outcome := what()) and time.monotonic() < deadline:
        time.sleep(0.3)
    return outcome


def failed(folder: Path) -> list[str]:
    """Return the requests of a load that failed, but not more than fifty."""
    with gzip.open(folder / "requests.csv.gz", "rt", encoding="utf-8") as lines:
        return [line.strip() for line in lines if ",error," in line or ",unanswered," in line][:50]


def answers(runner: KubernetesRunner) -> int:
    """Return the status of a list of products; 0 where nothing came back in time."""
    try:
        return httpx.get(f"{runner.address}/products", timeout=3).status_code
    except httpx.HTTPError:
        return 0


def test_both_shops_pass_the_core_journeys(shops: Runners) -> None:
    process = run("pytest", "-q", "tests/journeys", "-m", "core", "--running")

    assert process.returncode == 0, process.stdout[-3000:]
    assert "skipped" not in process.stdout.splitlines()[-1]


def test_ten_pods_of_each_shop_are_replaced_and_no_request_fails(shops: Runners, tmp_path: Path) -> None:
    def replace(name: str) -> dict[str, float]:
        out = tmp_path / name
        with load(shops[name], out, rate=10):
            for number in range(REPLACEMENTS):
                shops[name].restart(APPS[name][number % len(APPS[name])])
        summary: dict[str, float] = json.loads((out / "summary.json").read_text("utf-8"))
        return summary

    with ThreadPoolExecutor() as pool:
        summaries = dict(zip(SHOPS, pool.map(replace, SHOPS), strict=True))

    for name, summary in summaries.items():
        print(name, summary["requests"], summary["outcomes"], summary["orders_confirmed"])  # noqa: T201  (with -s)
        assert summary["error_share"] == 0.0, failed(tmp_path / name)
        assert summary["orders_confirmed"] > 100


@pytest.mark.parametrize(("name", "part"), [("monolith", "web"), ("microservices", "catalog"), ("monolith", "db")])
def test_a_killed_pod_is_replaced_and_the_shop_sells_again(shops: Runners, name: str, part: str) -> None:
    before = shops[name].status()
    assert before.ready

    shops[name].kill(part)

    assert eventually(lambda: shops[name].status().ready and answers(shops[name]) == 200, within_s=60)


def test_a_part_is_scaled_and_a_drained_pod_is_not_missed(shops: Runners, tmp_path: Path) -> None:
    shop = shops["microservices"]
    shop.scale("payments", 2)
    try:
        with load(shop, tmp_path, rate=10):
            shop.restart("payments.0")  # deleted in good order, as a drain of its node does
        summary = json.loads((tmp_path / "summary.json").read_text("utf-8"))
        assert len([one for one in shop.status().instances if one.part == "payments"]) == 2
        assert summary["error_share"] == 0.0
        assert summary["orders_confirmed"] > 10
    finally:
        shop.scale("payments", 1)

    assert [one.instance for one in shop.status().instances if one.part == "payments"] == ["payments.0"]


@pytest.mark.parametrize(("name", "part"), [("monolith", "web"), ("microservices", "catalog")])
def test_a_frozen_part_answers_nothing_until_it_goes_on(shops: Runners, name: str, part: str) -> None:
    shops[name].pause(part)
    frozen = answers(shops[name])
    shops[name].resume(part)

    assert frozen in (0, 503, 504)
    assert eventually(lambda: answers(shops[name]) == 200)


def test_a_part_is_held_by_having_no_pods(shops: Runners) -> None:
    shop = shops["microservices"]
    shop.hold("notifications")
    assert [one.state for one in shop.status().instances if one.part == "notifications"] == ["held"]
    assert eventually(lambda: answers(shop) == 200)

    shop.release("notifications")

    assert shop.status().ready


def test_a_setting_is_changed_by_new_pods(shops: Runners) -> None:
    shop = shops["microservices"]
    shop.configure("payments", {"LOG_LEVEL": "debug"})
    cluster = Cluster(shop.stack)
    assert cluster.execute(cluster.targeted("payments")[0], "printenv", "LOG_LEVEL") == "debug\n"

    shop.configure("payments", {"LOG_LEVEL": None})

    assert shop.status().ready


def test_a_fault_on_the_way_is_envoys(shops: Runners) -> None:
    fault = inject(shops["monolith"], "cut", "web")
    cut = eventually(lambda: answers(shops["monolith"]) == 503)
    fault.heal()

    assert cut
    assert eventually(lambda: answers(shops["monolith"]) == 200)


def test_what_pods_use_is_counted(shops: Runners) -> None:
    for name in SHOPS:
        stats = {one.part: one for one in shops[name].stats()}
        assert set(stats) == {part.name for part in shops[name].stack.parts}
        assert {name: one for name, one in stats.items() if one.cpu_s <= 0 or one.memory_bytes < 1_000_000} == {}


def test_what_cannot_be_done_in_a_cluster_is_said(shops: Runners) -> None:
    shop = shops["monolith"]
    for attempt in (lambda: shop.pin([0]), lambda: shop.hold("web.0"), lambda: shop.proxy):
        with pytest.raises(Unsupported, match="luster"):
            attempt()


def test_the_data_is_made_fresh(shops: Runners) -> None:
    for name in SHOPS:
        shops[name].reset(products=50)
        assert len(httpx.get(f"{shops[name].address}/products", params={"limit": 100}).json()["items"]) == 50


def test_the_answers_of_this_kubectl_are_what_kubernetes_would_say(shops: Runners) -> None:
    """They are composed; so they are held to the schemas of the real thing."""
    validate = pytest.importorskip("kubernetes_validate", reason="NO kubernetes-validate: `make test-kubernetes`")
    program = shutil.which("kubectl")
    assert program is not None
    text = subprocess.run(
        [program, "get", "pods,deployments,statefulsets", "--output", "json"], capture_output=True, check=True
    ).stdout
    items = json.loads(text)["items"]

    assert {one["kind"] for one in items} == {"Pod", "Deployment", "StatefulSet"}
    for one in items:
        validate.validate(one, validate.latest_version(), strict=True)
