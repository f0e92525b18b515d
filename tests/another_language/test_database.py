"""Node's database module lets go as the Python parts do: of a transaction that froze, of a server that says nothing."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from deploy.model.errors import MissingProgram
from deploy.runner import node
from tests.stalled import stalling_proxy

pytestmark = pytest.mark.long  # npm fetches its packages
FREE_WITHIN_S = 10.0
FROZEN_S = 3.5  # above what PostgreSQL leaves a session that is idle in a transaction
PRELUDE = """
const { Database } = await import(process.argv[1] + "/database.js");
const { Metrics } = await import(process.argv[1] + "/metrics.js");
const database = new Database(process.argv[2], 1, new Metrics());
const said = () => new Promise((resolve) => process.stdin.once("data", resolve));
const end = (work) => work.then(() => "done", (error) => error.code ?? error.message);
const tell = (...words) => console.log(words.join(" "));
"""
FROZEN = f"""
tell(await end(database.transaction(async (run) => {{
  await run("SELECT 1");
  await new Promise((resolve) => setTimeout(resolve, {FROZEN_S * 1000}));
  await run("SELECT 1");
}})));
tell(await end(database.run("SELECT 1")));
process.exit(0);
"""
SILENT = """
await database.run("SELECT 1");
tell("open");
await said();
tell(await end(database.transaction((run) => run("SELECT 1"))));
await said();
tell(await end(database.run("SELECT 1")));
process.exit(0);
"""


@pytest.fixture(scope="module", autouse=True)
def node_is_built() -> None:
    """Skip, loudly, where Node is not found."""
    try:
        node.find()
    except MissingProgram as error:
        pytest.skip(f"NO NODE, SO THE SERVICE IN TYPESCRIPT IS NOT TESTED: {error}")
    node.build()


def test_whoever_is_frozen_in_a_transaction_loses_it_and_nothing_else(service_database_urls: dict[str, str]) -> None:
    with _running(FROZEN, service_database_urls["notifications"]) as process:
        output, _ = process.communicate(timeout=FREE_WITHIN_S + FROZEN_S)

    assert output.split() == ["unavailable", "done"]


def test_a_server_that_says_nothing_is_let_go_within_seconds(service_database_urls: dict[str, str]) -> None:
    url = urlsplit(service_database_urls["notifications"])
    with stalling_proxy(url.hostname or "", url.port or 5432) as proxy:
        through = url._replace(netloc=f"{url.netloc.rpartition('@')[0]}@127.0.0.1:{proxy.port}").geturl()
        with _running(SILENT, through) as process:
            opened = _next_word(process)
            proxy.stalled.set()
            began = time.monotonic()
            word = _next_word(process, "go on")
            took_s = time.monotonic() - began
            proxy.stalled.clear()
            again = _next_word(process, "go on")

    assert (opened, word, again) == ("open", "unavailable", "done")
    assert took_s < FREE_WITHIN_S


def _next_word(process: subprocess.Popen[str], say: str = "") -> str:
    """Return what the script tells next, after it was told something."""
    assert process.stdin
    assert process.stdout
    if say:
        process.stdin.write(f"{say}\n")
        process.stdin.flush()
    return process.stdout.readline().strip()


@contextmanager
def _running(script: str, url: str) -> Iterator[subprocess.Popen[str]]:
    arguments = ["node", "--input-type=module", "-e", PRELUDE + script, str(node.SERVICE / "dist"), url]
    with subprocess.Popen(arguments, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()
