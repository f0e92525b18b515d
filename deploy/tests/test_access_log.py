"""The edge's log of requests: what it keeps of whose traces, and how it is put aside."""

from __future__ import annotations

import json
import re
import uuid
from pathlib import Path
from typing import Any

import pytest

from deploy.envoy.access_log import FILE, configure, sampled_ids, with_access_log
from deploy.envoy.admin import rotate_log
from deploy.envoy.bootstrap import bootstrap
from deploy.local.runner import LocalRunner
from deploy.model.home import Home
from deploy.model.parts import Secrets, Site
from deploy.model.topology import stack
from deploy.tests.asking import ask, eventually
from deploy.tests.stacks import HERE
from shared.platform import trace_context


@pytest.mark.parametrize("ratio", [0.0, 0.01, 0.06, 0.5, 0.999, 1.0])
def test_the_edge_keeps_whatever_the_applications_keep(ratio: float) -> None:
    pattern, bound = re.compile(sampled_ids(ratio)), trace_context.bound_of(ratio)
    ids = [str(uuid.uuid4()) for _ in range(2000)]

    own = {one for one in ids if trace_context.is_kept(trace_context.trace_id_of(one), bound)}
    edges = {one for one in ids if pattern.fullmatch(one)}

    assert own <= edges
    assert len(edges - own) < 10


def test_the_edge_keeps_a_log_only_while_it_is_told_to(tmp_path: Path) -> None:
    def edge_config() -> dict[str, Any]:
        config: dict[str, Any] = {}
        with_access_log([{"name": "edge", "filter_chains": [{"filters": [{"typed_config": config}]}]}], tmp_path)
        return config

    before = edge_config()
    configure(tmp_path, str(tmp_path / "kept"), 0.01)
    during = edge_config()
    configure(tmp_path, "", None)

    assert (before, edge_config()) == ({}, {})
    assert during["access_log"][0]["typed_config"]["path"] == f"{tmp_path}/kept/{FILE}"


def test_the_log_of_the_edge_is_put_aside_when_it_is_large_and_no_request_is_lost(
    home: Home, shift: int, tmp_path: Path
) -> None:
    runner = LocalRunner("monolith", home, shift, topology=HERE)
    settings = {"TRACE_SAMPLING": "1", "TRACE_DIR": str(tmp_path)}
    edge, envoy = runner.stack.part("edge"), home.stack("monolith") / "envoy"
    log, older = tmp_path / FILE, tmp_path / f"{FILE}.1"

    def is_logged(name: str) -> bool:
        ask(edge.port("http"), "GET", f"/products/{name}")
        return bool(eventually(lambda: any(name in one.read_text("utf-8") for one in tmp_path.iterdir())))

    try:
        runner.up({"edge": settings})
        assert is_logged("first")
        assert not rotate_log(envoy, edge.admin)
        assert rotate_log(envoy, edge.admin, max_bytes=1)
        assert is_logged("second")
        assert rotate_log(envoy, edge.admin, max_bytes=1)
        assert is_logged("third")
    finally:
        runner.down()

    lines = [path.read_text("utf-8").splitlines() for path in (older, log)]
    assert [[json.loads(line)["path"] for line in each] for each in lines] == [
        ["/products/second"],
        ["/products/third"],
    ]


def test_a_stranger_decides_nothing(tmp_path: Path) -> None:
    monolith = stack("monolith", Site(Secrets(b""), keys="", data=""))
    listeners = bootstrap(monolith, monolith.part("edge"), tmp_path)["static_resources"]["listeners"]

    (manager,) = [one["typed_config"] for one in listeners[0]["filter_chains"][0]["filters"]]
    assert manager["route_config"]["request_headers_to_remove"] == ["traceparent", "tracestate"]
