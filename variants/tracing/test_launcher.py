"""The launcher runs what the plain command runs; whoever does not use it has nothing of OpenTelemetry in memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from deploy.model.home import REPOSITORY


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        check=False,
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        env={"PATH": "/usr/bin:/bin", **environment},
    )


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [("monolith.app", "opentelemetry"), ("microservices.orders.app", "opentelemetry.sdk")],  # FastAPI brings the API
)
def test_a_plain_build_imports_nothing_of_tracing(module: str, forbidden: str) -> None:
    look = f"import sys, {module}; sys.exit(any(name.startswith(({forbidden!r}, 'variants')) for name in sys.modules))"

    assert run("-c", look).returncode == 0


@pytest.mark.parametrize(
    "module", ["monolith.app", "microservices.orders.app", "variants.colocated", "migration.inside_monolith"]
)
def test_the_launcher_runs_the_module(module: str, tmp_path: Path) -> None:
    traced = run("-m", "variants.tracing", module, TRACE_DIR=str(tmp_path))
    plain = run("-m", module)

    assert "DATABASE_URL" in plain.stderr
    assert (traced.returncode, traced.stderr) == (plain.returncode, plain.stderr)


def test_the_launcher_says_what_it_cannot_run(tmp_path: Path) -> None:
    ended = run("-m", "variants.tracing", "monolith.nothing", TRACE_DIR=str(tmp_path))

    assert (ended.returncode, ended.stderr) == (1, "There is no module 'monolith.nothing'.\n")


def test_the_launcher_refuses_to_record_what_nobody_would_see() -> None:
    ended = run("-m", "variants.tracing", "monolith.app")

    assert ended.returncode == 2
    assert "set TRACE_DIR or OTEL_EXPORTER_OTLP_ENDPOINT" in ended.stderr


def test_the_launcher_runs_a_variant_of_the_service_that_it_names(tmp_path: Path) -> None:
    traced = run("-m", "variants.tracing", "variants.no_tokens", "orders", TRACE_DIR=str(tmp_path))
    plain = run("-m", "variants.no_tokens", "orders")

    assert "DATABASE_URL" in plain.stderr
    assert (traced.returncode, traced.stderr) == (plain.returncode, plain.stderr)
