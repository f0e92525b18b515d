"""What a build consists of, counted: its source, its parts, and what stands between an order and its answer."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import tokenize
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import psycopg

from deploy.envoy import admin
from deploy.model.home import REPOSITORY
from deploy.model.parts import Stack

SOURCES = {"monolith": ("monolith",), "microservices": ("microservices",)}
NOT_THE_SHOP = re.compile(r"(^|/)(test_[^/]*|conftest)\.py$")
IMAGES = {
    "monolith": ("monolith",),
    "microservices": ("catalog", "orders", "payments", "notifications", "broker"),
}
_TIMEOUT_S = 10


def lines_of_code(text: str) -> int:
    """Return how many lines of a Python file hold code: no blank lines, comments or docstrings."""
    code: set[int] = set()
    starts_statement = True
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in (tokenize.COMMENT, tokenize.NL, tokenize.ENCODING, tokenize.ENDMARKER):
            continue
        if token.type in (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT):
            starts_statement = True
            continue
        if not (starts_statement and token.type == tokenize.STRING):
            code.update(range(token.start[0], token.end[0] + 1))
        starts_statement = False
    return len(code)


def source(build: str, repository: Path = REPOSITORY) -> dict[str, int]:
    """Return lines of code and files of what is only this build's, its migrations too; tests are left out."""
    sources = [
        path
        for folder in SOURCES[build]
        for path in sorted((repository / folder).rglob("*.py"))
        if not NOT_THE_SHOP.search(path.relative_to(repository).as_posix())
    ]
    return {"lines of code": sum(lines_of_code(path.read_text("utf-8")) for path in sources), "files": len(sources)}


def parts(stack: Stack) -> dict[str, int]:
    """Return how many parts, ports, database servers and settings a stack has, before anything is scaled."""
    settings = {(part.name, name) for part in stack.parts for name in part.environment}
    return {
        "parts": len(stack.parts),
        "ports": sum(len(part.ports) for part in stack.parts),
        "database servers": sum(part.kind == "postgres" for part in stack.parts),
        "settings": len(settings),
    }


def tables(database_urls: tuple[str, ...]) -> int:
    """Return how many tables the databases hold."""
    tables = 0
    for url in database_urls:
        with psycopg.connect(url) as connection:
            row = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
            tables += int(row[0]) if row else 0
    return tables


def requests_by_cluster(socket_path: str) -> Counter[str]:
    """Return how many requests an Envoy has sent on so far, by cluster."""
    stats = json.loads(admin.ask(socket_path, "/stats?format=json&filter=upstream_rq_total"))["stats"]
    requests: Counter[str] = Counter()
    for one in stats:
        if match := re.fullmatch(r"cluster\.(.+)\.upstream_rq_total", one.get("name", "")):
            requests[match.group(1)] += int(one["value"])
    return requests


def per_order(counted: Mapping[str, Mapping[str, int]], carried: int, orders: int) -> dict[str, float]:
    """Return hops, transactions and events of one order: `counted` by the applications, `carried` by Envoy."""
    total: Counter[str] = Counter()
    for part in counted.values():
        total.update({name: count for name, count in part.items() if not name.startswith("calls to ")})
    names = {
        "db_statements": "statements", "db_commits": "transactions", "calls": "calls to other processes",
        "events_published": "events published", "events_consumed": "events consumed",
    }  # fmt: skip
    figures = {label: total[name] / orders for name, label in names.items()}
    # A request through Envoy is carried twice: to it, and on to the one that answers.
    return {"HTTP requests through Envoy": carried / orders, **figures}


def images() -> dict[str, dict[str, int]] | None:
    """Return the sizes in MB of each build's own images, by name; None where there is no container engine or image."""
    engine = shutil.which("docker") or shutil.which("podman")
    if engine is None:
        return None
    sizes: dict[str, dict[str, int]] = {build: {} for build in IMAGES}
    for build, names in IMAGES.items():
        for name in names:
            size = _size_mb(engine, f"twinshop/{name}:local")
            if size is not None:
                sizes[build][name] = size
    return sizes if any(sizes.values()) else None


def _size_mb(engine: str, image: str) -> int | None:
    try:
        process = subprocess.run(
            [engine, "image", "inspect", "--format", "{{.Size}}", image],
            capture_output=True, text=True, check=False, timeout=_TIMEOUT_S,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    return (
        round(int(process.stdout) / 1_000_000) if process.returncode == 0 and process.stdout.strip().isdigit() else None
    )
