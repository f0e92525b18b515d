"""`docker compose`, typed by hand: up, the shops sell, more replicas, down, nothing left. Without secrets: nothing."""

from __future__ import annotations

import time
from collections import Counter

import httpx
import pytest

from deploy.compose.engine import docker
from tests.containers.by_hand import ByHand
from tests.journeys.waiting import until

pytestmark = [pytest.mark.containers, pytest.mark.long]

BOTH = ("--profile", "monolith", "--profile", "microservices")
UP_WITHIN_S = 40
DOWN_WITHIN_S = 15


def test_both_shops_come_up_sell_and_leave_nothing(by_hand: ByHand, pytestconfig: pytest.Config) -> None:
    began = time.monotonic()
    up = by_hand.run(*BOTH, "up", "--wait")
    up_s = time.monotonic() - began

    assert up.returncode == 0, up.stderr[-2000:]
    health = Counter(one["Health"] for one in by_hand.containers())
    assert health == {"healthy": len(by_hand.containers())}
    for shop in ("monolith", "microservices"):
        assert len(httpx.get(f"{by_hand.url(shop)}/products").json()["items"]) > 0
        assert httpx.get(f"{by_hand.url(shop)}/readyz").status_code == 404

    began = time.monotonic()
    down = by_hand.run("--profile", "*", "down", "--volumes")
    down_s = time.monotonic() - began

    assert down.returncode == 0, down.stderr[-2000:]
    mine = ("--filter", f"label=com.docker.compose.project={by_hand.project}", "--quiet")
    assert docker("ps", "--all", *mine) + docker("network", "ls", *mine) + docker("volume", "ls", *mine) == ""
    # Told and not asserted: how fast an engine is depends on what else the machine does.
    pytestconfig.get_terminal_writer().line(
        f"\nBoth shops in containers: up in {up_s:.1f} s (at most {UP_WITHIN_S} wanted on two idle cores), "
        f"down in {down_s:.1f} s (at most {DOWN_WITHIN_S})"
    )


def test_replicas_that_are_added_by_hand_are_found_by_the_edge(by_hand: ByHand) -> None:
    assert by_hand.run("--profile", "microservices", "up", "--wait").returncode == 0

    scaled = by_hand.run("--profile", "microservices", "up", "--wait", "--scale", "catalog=3")

    assert scaled.returncode == 0, scaled.stderr[-2000:]
    edge = next(one["Name"] for one in by_hand.containers() if one["Service"] == "microservices-edge")
    until("the edge knows three catalogs", lambda: healthy_hosts(edge, "catalog") == 3)
    answers = {httpx.get(f"{by_hand.url('microservices')}/products").status_code for _ in range(30)}
    assert answers == {200}


def test_without_a_secret_nothing_starts(by_hand: ByHand) -> None:
    refused = by_hand.run(*BOTH, "up", "--wait", TWINSHOP_SECRETS=str(by_hand.secrets / "nowhere"))

    assert refused.returncode != 0
    assert "nowhere" in refused.stderr


def healthy_hosts(edge: str, cluster: str) -> int:
    """Return how many hosts of a cluster Envoy sends requests to."""
    script = (
        "exec 3<>/dev/tcp/127.0.0.1/9901;"
        r"printf 'GET /clusters HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&3; cat <&3"
    )
    lines = docker("exec", edge, "bash", "-c", script).splitlines()
    return sum(line.startswith(f"{cluster}::") and line.strip().endswith("::health_flags::healthy") for line in lines)
