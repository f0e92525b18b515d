"""The locustfile as its users start it: plain `locust`, headless, with workers, and from the web page."""

import json
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request

import pytest

from loadtests.conftest import free_port, wait_for_port

LOCUSTFILE = "loadtests/locustfile.py"


def command(shop, *options):
    locust = [sys.executable, "-m", "locust", "-f", LOCUSTFILE, "--host", shop.url, "--tokens-from", shop.url]
    return [*locust, "--loglevel", "INFO", *options]


def run(shop, *options, timeout_s=30):
    """Run Locust headless to its end; returns the finished process and Locust's own statistics."""
    ended = subprocess.run(
        command(shop, "--headless", "--json", *options), capture_output=True, text=True, check=False, timeout=timeout_s
    )
    # Workers print their own, empty list first.
    documents = ended.stdout.removesuffix("\n").replace("]\n[", "]\0[").split("\0")
    statistics = json.loads(documents[-1])
    return ended, {f"{row['method']} {row['name']}": row for row in statistics}


def test_plain_locust_runs_closed_loop_shoppers(shop):
    ended, rows = run(shop, "-u", "20", "-r", "20", "-t", "4s", "--think", "0.1")

    assert ended.returncode == 0, ended.stderr
    assert rows["POST /orders"]["num_requests"] > 0
    assert rows["GET /products/{sku}"]["num_failures"] == 0
    assert "OpenArrivals" not in ended.stderr


@pytest.mark.parametrize(
    ("tags", "rows_expected"),
    [
        pytest.param(
            "browse", {"GET /products", "GET /products/{sku}", "GET /products?query="}, marks=pytest.mark.long
        ),
        ("buy", {"POST /orders"}),
    ],
)
def test_tags_choose_what_shoppers_do(shop, tags, rows_expected):
    _, rows = run(shop, "Shopper", "-u", "10", "-r", "10", "-t", "8s", "--think", "0.05", "--tags", tags)

    assert rows_expected <= set(rows)
    assert ("POST /orders" in rows) == (tags == "buy")


def test_open_arrivals_end_with_their_profile_and_leave_their_figures(shop, tmp_path):
    summary_path = tmp_path / "summary.json"

    ended, rows = run(
        shop, "OpenArrivals", "--arrival-profile", "100x3", "--seed", "4", "--arrival-summary", str(summary_path)
    )

    summary = json.loads(summary_path.read_text())
    assert ended.returncode == (3 if summary["void"] else 0), ended.stderr
    assert summary["scheduled"] == summary["sent"] == sum(row["num_requests"] for row in rows.values())
    assert summary["error_share"] == 0
    assert not summary["stopped_early"]


@pytest.mark.long
def test_open_arrivals_last_as_long_as_the_run_time(shop, tmp_path):
    summary_path = tmp_path / "summary.json"

    ended, _ = run(shop, "OpenArrivals", "--arrival-rate", "100", "-t", "3s", "--arrival-summary", str(summary_path))

    summary = json.loads(summary_path.read_text())
    assert ended.returncode in (0, 3), ended.stderr  # 3: void, because a busy machine let requests leave late
    assert summary["profile"] == "100x3"
    assert summary["scheduled"] == summary["sent"]


@pytest.mark.long
def test_workers_send_together_what_one_process_would(shop, tmp_path):
    for name, options in {"one": [], "three": ["--processes", "3"]}.items():
        profile = ["--arrival-profile", "150x3", "--arrivals", "poisson", "--seed", "9"]
        summary_path = tmp_path / f"{name}.json"
        ended, _ = run(shop, "OpenArrivals", *profile, *options, "--arrival-summary", str(summary_path))
        assert ended.returncode in (0, 3), ended.stderr

    one, three = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("one", "three"))
    assert three["processes"] == 3
    assert three["scheduled"] == three["sent"] == one["sent"]
    assert {name: journey["count"] for name, journey in three["by_journey"].items()} == {
        name: journey["count"] for name, journey in one["by_journey"].items()
    }
    assert three["orders"] == one["orders"]


def test_failures_of_the_shop_are_failures_in_locust(start_shop):
    ended, rows = run(start_shop("empty"), "Shopper", "-u", "5", "-r", "5", "-t", "6s", "--think", "0.1")

    assert ended.returncode == 1, ended.stderr
    assert rows
    assert [name for name, row in rows.items() if row["num_failures"] < row["num_requests"]] == []


def test_business_refusals_are_no_failures_in_locust(start_shop):
    shop = start_shop("out-of-stock")

    ended, rows = run(shop, "Shopper", "-u", "5", "-r", "5", "-t", "6s", "--think", "0.1", "--tags", "buy")

    assert ended.returncode == 0, ended.stderr
    assert rows["POST /orders"]["num_failures"] == 0


def test_without_identity_provider_locust_says_so_and_stops(shop):
    ended, _ = run(shop, "Shopper", "-u", "1", "-t", "20s", "--tokens-from", "http://127.0.0.1:1")

    assert "http://127.0.0.1:1/tokens/batch" in ended.stderr


def ask(url, **form):
    data = urllib.parse.urlencode(form, doseq=True).encode() if form else None
    with urllib.request.urlopen(url, data, timeout=10) as answer:  # noqa: S310 - our own web page
        return answer.read().decode()


@pytest.mark.long
def test_the_web_page_offers_open_arrivals_and_starts_them(shop, tmp_path):
    port, summary_path = free_port(), tmp_path / "summary.json"
    web = ["--web-host", "127.0.0.1", "--web-port", str(port), "--class-picker"]
    process = subprocess.Popen(
        command(shop, *web, "--arrival-summary", str(summary_path)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for_port(port)
        page = ask(f"http://127.0.0.1:{port}/")
        ask(
            f"http://127.0.0.1:{port}/swarm",
            user_count=1,
            spawn_rate=1,
            host=shop.url,
            user_classes="OpenArrivals",
            arrival_profile="100x2",
            mix="ordering",
        )
        for _ in range(100):
            if summary_path.exists():
                break
            time.sleep(0.1)
        stopped = json.loads(ask(f"http://127.0.0.1:{port}/stats/requests"))["state"]
    finally:
        process.terminate()
        process.wait(timeout=10)

    summary = json.loads(summary_path.read_text())
    assert "OpenArrivals" in page
    assert "arrival_rate" in page
    assert summary["mix"] == "ordering"
    assert summary["scheduled"] == summary["sent"] > 100
    assert stopped == "stopped"


@pytest.mark.parametrize(("shape", "users"), [("steps", 20), ("ramp", 3), ("spike", 20)])
def test_a_shape_sets_the_number_of_closed_loop_users(shop, shape, users):
    process = subprocess.Popen(
        [*command(shop, "--headless"), "-f", f"{LOCUSTFILE},loadtests/load/shapes/{shape}.py"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    patience = threading.Timer(20, process.terminate)  # the shapes themselves last for minutes
    patience.start()
    with process:
        log = list(until(f"({users} total users)", process.stderr))
        process.terminate()
        log += process.stderr
    patience.cancel()

    assert [line for line in log if f"Shape test updating to {users} users" in line]
    assert [line for line in log if f"({users} total users)" in line]
    assert [line for line in log if "Traceback" in line] == []


def until(words, lines):
    """Yield lines up to the first one with these words."""
    for line in lines:
        yield line
        if words in line:
            return
