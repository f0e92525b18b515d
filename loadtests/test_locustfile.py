"""The locustfile as its users start it: plain `locust`, headless, with workers, and from the web page."""

import csv
import json
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from loadtests.conftest import free_port, in_time, wait_for_port

LOCUSTFILE = "loadtests/locustfile.py"


def command(shop, *options):
    locust = [sys.executable, "-m", "locust", "-f", LOCUSTFILE, "--host", shop.url, "--tokens-from", shop.url]
    return [*locust, "--loglevel", "INFO", *options]


def run(shop, *options, timeout_s=30):
    """Run Locust headless to its end; returns the finished process and Locust's own statistics."""
    ended = subprocess.run(
        command(shop, "--headless", "--json", *options), capture_output=True, text=True, check=False, timeout=timeout_s
    )
    return ended, rows_of(ended.stdout)


def rows_of(output):
    """Return Locust's own statistics by method and name. Workers print their own, empty list first."""
    documents = output.removesuffix("\n").replace("]\n[", "]\0[").split("\0")
    return {f"{row['method']} {row['name']}": row for row in json.loads(documents[-1])}


def run_until(shop, folder, names, *options, timeout_s=60):
    """Run Locust until each of these requests was sent, however long that takes on this machine, and stop it."""
    statistics = folder / "run_stats.csv"  # written each second
    words = command(shop, "--headless", "--json", "--csv", str(folder / "run"), *options)
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    patience = threading.Timer(timeout_s, process.terminate)
    patience.start()
    while process.poll() is None and patience.is_alive():
        if statistics.exists() and names <= sent_of(statistics):
            process.terminate()
            break
        time.sleep(0.1)
    output, errors = process.communicate()
    patience.cancel()
    return subprocess.CompletedProcess(words, process.returncode, output, errors), rows_of(output)


def sent_of(statistics):
    """Return which requests were sent, by method and name."""
    with statistics.open(encoding="utf-8") as lines:
        return {f"{row['Type']} {row['Name']}" for row in csv.DictReader(lines)}


def test_plain_locust_runs_closed_loop_shoppers(shop, tmp_path):
    names = {"POST /orders", "GET /products/{sku}"}
    ended, rows = run_until(shop, tmp_path, names, "-u", "20", "-r", "20", "--think", "0.1")

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
def test_tags_choose_what_shoppers_do(shop, tmp_path, tags, rows_expected):
    options = ["-u", "10", "-r", "10", "--think", "0.05", "--tags", tags]
    _, rows = run_until(shop, tmp_path, rows_expected, "Shopper", *options)

    assert rows_expected <= set(rows)
    assert ("POST /orders" in rows) == (tags == "buy")


def test_open_arrivals_end_with_their_profile_and_leave_their_figures(shop, tmp_path):
    summary_path = tmp_path / "summary.json"

    def arrivals():
        options = ["--arrival-profile", "100x3", "--seed", "4", "--arrival-summary", str(summary_path)]
        ended, rows = run(shop, "OpenArrivals", *options)
        return ended, rows, json.loads(summary_path.read_text())

    ended, rows, summary = in_time(arrivals)

    assert ended.returncode == (3 if summary["void"] else 0), ended.stderr
    assert summary["scheduled"] == summary["sent"] == sum(row["num_requests"] for row in rows.values())
    assert summary["error_share"] == 0
    assert not summary["stopped_early"]


@pytest.mark.long
def test_open_arrivals_last_as_long_as_the_run_time(shop, tmp_path):
    summary_path = tmp_path / "summary.json"

    def arrivals():
        options = ["--arrival-rate", "100", "-t", "3s", "--arrival-summary", str(summary_path)]
        ended, _ = run(shop, "OpenArrivals", *options)
        return ended, json.loads(summary_path.read_text())

    ended, summary = in_time(arrivals)

    assert ended.returncode in (0, 3), ended.stderr  # 3: void, because a busy machine let requests leave late
    assert summary["profile"] == "100x3"
    assert summary["scheduled"] == summary["sent"]


@pytest.mark.long
def test_workers_send_together_what_one_process_would(shop, tmp_path):
    def arrivals(*options):
        profile = ["--arrival-profile", "150x3", "--arrivals", "poisson", "--seed", "9"]
        summary_path = tmp_path / "summary.json"
        ended, _ = run(shop, "OpenArrivals", *profile, *options, "--arrival-summary", str(summary_path))
        assert ended.returncode in (0, 3), ended.stderr
        return ended, json.loads(summary_path.read_text())

    (_, one), (_, three) = in_time(arrivals), in_time(lambda: arrivals("--processes", "3"))
    assert three["processes"] == 3
    assert three["scheduled"] == three["sent"] == one["sent"]
    assert {name: journey["count"] for name, journey in three["by_journey"].items()} == {
        name: journey["count"] for name, journey in one["by_journey"].items()
    }
    assert three["orders"] == one["orders"]


def test_failures_of_the_shop_are_failures_in_locust(start_shop, tmp_path):
    shop = start_shop("empty")
    options = ["-u", "5", "-r", "5", "--think", "0.1"]
    ended, rows = run_until(shop, tmp_path, {"GET /products/{sku}"}, "Shopper", *options)

    assert ended.returncode == 1, ended.stderr
    assert rows
    assert [name for name, row in rows.items() if row["num_failures"] < row["num_requests"]] == []


def test_business_refusals_are_no_failures_in_locust(start_shop, tmp_path):
    shop = start_shop("out-of-stock")

    options = ["-u", "5", "-r", "5", "--think", "0.1", "--tags", "buy"]
    ended, rows = run_until(shop, tmp_path, {"POST /orders"}, "Shopper", *options)

    assert ended.returncode == 0, ended.stderr
    assert rows["POST /orders"]["num_failures"] == 0


def test_without_identity_provider_locust_says_so_and_stops(shop):
    ended, _ = run(shop, "Shopper", "-u", "1", "-t", "20s", "--tokens-from", "http://127.0.0.1:1")

    assert "http://127.0.0.1:1/tokens/batch" in ended.stderr


def test_a_broken_bound_is_told_and_ends_with_status_3(shop, tmp_path):
    options = ["-u", "5", "-r", "5", "--think", "0.1", "--fail-if", "p99.9(order)>0ms", "--fail-if", "errors>50%"]
    ended, _ = run_until(shop, tmp_path, {"POST /orders"}, "Shopper", *options, "--tags", "buy")

    assert ended.returncode == 3, ended.stderr
    assert "p99.9(order)>0ms: " in ended.stderr
    assert "errors>50%" not in ended.stderr


def test_what_is_no_bound_is_refused_before_anything_is_sent(shop):
    ended = subprocess.run(
        command(shop, "--headless", "--fail-if", "p99 < 5"), capture_output=True, text=True, check=False, timeout=30
    )

    assert ended.returncode == 1
    assert "'p99 < 5' is no bound: want 'p99>250ms'" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_requests_without_an_answer_at_the_end_are_reported(start_shop, tmp_path):
    shop = start_shop("silent")
    ended = subprocess.run(
        command(shop, "--headless", "Shopper", "-u", "3", "-r", "3", "-t", "2s", "--tags", "buy"),
        capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip

    assert "POST /orders: 3 still open at the end, for " in ended.stderr


def run_any_host(url, summary_path, *options):
    """Run the locustfile of the documentation at a host that is no shop of ours."""
    words = [sys.executable, "-m", "locust", "-f", "docs/locust/any_host.py", "--headless", "--json", "--host", url]
    words += ["--arrival-profile", "100x2", "--arrival-summary", str(summary_path), *options]
    ended = subprocess.run(words, capture_output=True, text=True, check=False, timeout=40)
    return ended, rows_of(ended.stdout), json.loads(summary_path.read_text())


def test_anybodys_tasks_arrive_at_a_host_that_is_not_ours(any_host, tmp_path):
    ended, rows, summary = run_any_host(any_host, tmp_path / "summary.json", "--fail-if", "errors(comment)>99%")

    assert ended.returncode == 3, ended.stderr
    assert summary["scheduled"] == summary["sent"]
    assert (
        rows["ARRIVAL read"]["num_requests"] == rows["GET /"]["num_requests"] > rows["POST /comments"]["num_requests"]
    )
    assert summary["by_journey"]["read"]["outcomes"] == {"ok": rows["GET /"]["num_requests"]}
    assert summary["by_journey"]["comment"]["outcomes"] == {"error": rows["POST /comments"]["num_requests"]}
    assert "errors(comment)>99%: 100.00%" in ended.stderr


def test_open_arrivals_of_anybodys_tasks_respect_tags(any_host, tmp_path):
    ended, rows, _ = run_any_host(any_host, tmp_path / "summary.json", "--tags", "read")

    assert set(rows) == {"ARRIVAL read", "GET /"}, ended.stderr


class Host(BaseHTTPRequestHandler):
    """A page that can be read, and takes no comments."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"hi")

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(403)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def any_host():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Host)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_tokens_come_from_a_command_and_a_mix_from_a_file(shop, tmp_path):
    mix, summary_path = tmp_path / "own.json", tmp_path / "summary.json"
    mix.write_text('{"product": 3, "own_orders": 1}')
    options = ["--arrival-profile", "50x2", "--mix", str(mix), "--arrival-summary", str(summary_path)]
    ended, rows = run(shop, "OpenArrivals", *options, "--tokens-from", "command:seq $COUNT")

    assert set(rows) == {"GET /products/{sku}", "GET /orders"}, ended.stderr
    assert json.loads(summary_path.read_text())["mix"] == str(mix)


def test_a_market_has_an_admin_who_changes_prices_and_stock(shop):
    ended, rows = run(shop, "OpenArrivals", "--arrival-profile", "150x2", "--mix", "market")

    assert {"PUT /products/{sku}", "POST /products/{sku}/restock", "POST /orders"} <= set(rows), ended.stderr
    assert sum(row["num_failures"] for row in rows.values()) == 0


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
