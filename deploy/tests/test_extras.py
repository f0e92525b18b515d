"""What a shop is started with is there from its next start until it is stopped; without it there is no trace of it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.compose.runner import ComposeRunner
from deploy.envoy.routes import RECOMMENDATIONS_PATH, edge_routes
from deploy.envoy.traffic_split import TrafficSplit
from deploy.local.launch import broker_configuration
from deploy.local.runner import LocalRunner
from deploy.model import extras
from deploy.model.errors import DeployError
from deploy.model.extraction import ExtractionState
from deploy.model.extras import ORDER_POOL, RECOMMENDATIONS
from deploy.model.home import REPOSITORY, Home
from deploy.model.parts import Secrets, Site, Stack
from deploy.model.topology import STACKS, stack

PLAIN = Site(Secrets(b"master"), keys="/keys", data="/data")
WITH = replace(PLAIN, extras=(RECOMMENDATIONS,))
TRACES = (RECOMMENDATIONS, "web-orders", "MODEL_DIR", "HISTORY_ORDERS", "OPENBLAS")


def everything(of: Stack) -> str:
    """Return all that would run, be set and be routed, as text."""
    broker = [broker_configuration(part, "/data", PLAIN.secrets) for part in of.parts if part.kind == "nats"]
    return f"{of} {edge_routes(of)} {broker}"


@pytest.mark.parametrize("name", STACKS)
def test_without_it_nothing_of_it_is_in_a_stack(name: str) -> None:
    plain = everything(stack(name, PLAIN))

    assert [trace for trace in TRACES if trace in plain] == []


@pytest.mark.parametrize(
    "build", ["monolith.app", *(f"microservices.{one}.app" for one in ("catalog", "orders", "payments"))]
)
def test_a_build_loads_no_library_of_it(build: str) -> None:
    look = f"import sys, {build}; print([one for one in ('numpy', 'scipy', 'variants') if one in sys.modules])"

    loaded = subprocess.run([sys.executable, "-c", look], cwd=REPOSITORY, capture_output=True, text=True, check=True)

    assert loaded.stdout.strip() == "[]"


def test_no_image_has_its_libraries() -> None:
    lists = sorted((REPOSITORY / "deploy/compose/images").glob("*.txt"))

    having = [path.name for path in lists if "scipy==" in path.read_text("utf-8")]

    assert len(lists) > 5
    assert having == []


def test_the_monolith_is_another_program_with_as_many_parts() -> None:
    plain, thinking = stack("monolith", PLAIN), stack("monolith", WITH)

    assert [part.name for part in thinking.parts] == [part.name for part in plain.parts]
    assert thinking.part("web").command == ("python", "-m", "variants.recommendations.monolith")


def test_the_services_have_a_fifth_that_scales_with_a_database_and_a_user_at_the_broker() -> None:
    thinking = stack("microservices", WITH)
    part = thinking.part(RECOMMENDATIONS)
    configuration = broker_configuration(thinking.part("broker"), "/data", WITH.secrets, [RECOMMENDATIONS])
    users = json.loads(json.dumps(configuration))["authorization"]["users"]
    (user,) = [one for one in users if one["user"] == RECOMMENDATIONS]

    assert part.scalable
    assert part.needs == ("recommendations-db", "broker")
    assert not any(subject.startswith("shop.") for subject in user["permissions"]["publish"]["allow"])
    assert thinking.resets[-1].command[-1] == "variants.recommendations.reset"


def test_its_route_comes_before_any_share_of_the_products() -> None:
    share = TrafficSplit("/products", {"catalog": 100})

    routes = edge_routes(stack("microservices", WITH), [share])

    assert routes[0]["match"] == {"safe_regex": {"regex": RECOMMENDATIONS_PATH}}
    assert routes[0]["route"]["cluster"] == RECOMMENDATIONS


def test_a_pool_for_orders_is_the_same_program_with_as_many_connections_in_sum() -> None:
    plain, pooled = stack("monolith", PLAIN), stack("monolith", replace(PLAIN, extras=(ORDER_POOL,)))
    web, orders = pooled.part("web"), pooled.part("web-orders")
    owners = {route["match"].get("path_separated_prefix"): route["route"]["cluster"] for route in edge_routes(pooled)}

    assert web.command == orders.command == plain.part("web").command
    assert orders.scalable
    sizes = [int(part.environment["DB_POOL_SIZE"]) for part in (web, orders, plain.part("web"))]
    assert sizes[0] + sizes[1] == sizes[2]
    assert {prefix for prefix, owner in owners.items() if owner == "web-orders"} == {
        "/orders", "/payments", "/webhooks/payments"
    }  # fmt: skip
    assert owners["/products"] == owners["/notifications"] == "web"
    assert "web-orders" not in {part.name for part in plain.parts}


def test_a_choice_holds_until_the_stack_is_stopped(tmp_path: Path) -> None:
    runner = LocalRunner("microservices", Home(tmp_path))

    runner.choose([RECOMMENDATIONS])
    parts = [part.name for part in LocalRunner("microservices", Home(tmp_path)).stack.parts]
    runner.down()

    assert RECOMMENDATIONS in parts
    assert RECOMMENDATIONS not in [part.name for part in runner.stack.parts]


@pytest.mark.parametrize(
    ("name", "extra", "why"),
    [
        (
            "monolith",
            "horoscopes",
            "There is no 'horoscopes' to start a shop with; there is: recommendations, order-pool",
        ),
        ("colocated", RECOMMENDATIONS, "colocated cannot have recommendations; monolith and microservices can"),
    ],
)
def test_what_there_is_not_is_refused(name: str, extra: str, why: str) -> None:
    with pytest.raises(DeployError, match=why):
        extras.checked([extra], name)


def test_a_monolith_on_its_way_out_has_none() -> None:
    with pytest.raises(DeployError, match="on their way out has no recommendations"):
        stack("monolith", replace(WITH, extraction=ExtractionState(("notifications",))))


def test_containers_say_that_they_have_none(tmp_path: Path) -> None:
    runner = ComposeRunner("monolith", home=Home(tmp_path))

    with pytest.raises(DeployError, match="Containers are offered without recommendations"):
        runner.choose([RECOMMENDATIONS])

    runner.choose([])
