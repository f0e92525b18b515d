"""Open arrivals from several machines: network namespaces whose clocks differ, workers that die or come late."""

import json
import os
import subprocess
import sys
import time

import pytest

from loadtests.conftest import in_time

pytestmark = [pytest.mark.long, pytest.mark.timeout(240)]

HERE = "10.213.77.1"
PORT, SHOP_PORT = 15557, 15580
# A machine whose clock is wrong: the time of day of everything in the process is.
LOCUST = (
    "import sys, time; real = time.time; time.time = lambda: real() + {off_s}; from locust.main import main; main()"
)


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True)


@pytest.fixture(scope="module")
def machines():
    """Two network namespaces that reach this one, and a shop here that costs next to nothing."""
    if os.geteuid() != 0:
        pytest.skip("NOT root, SO NO MACHINES ARE PLAYED BY NETWORK NAMESPACES")
    bridge, names = "twinload", ["twinload1", "twinload2"]
    shop = None
    try:
        ip("link", "add", bridge, "type", "bridge")
        ip("addr", "add", f"{HERE}/24", "dev", bridge)
        ip("link", "set", bridge, "up")
        for number, name in enumerate(names, 2):
            ip("netns", "add", name)
            ip("link", "add", f"{name}h", "type", "veth", "peer", "name", "eth0", "netns", name)
            ip("link", "set", f"{name}h", "master", bridge, "up")
            ip("-n", name, "addr", "add", f"10.213.77.{number}/24", "dev", "eth0")
            ip("-n", name, "link", "set", "eth0", "up")
        command = [sys.executable, "-m", "loadtests.tests.trivial_shop", str(SHOP_PORT), "--address", HERE]
        shop = subprocess.Popen(command)
        time.sleep(0.5)
        yield names
    except subprocess.CalledProcessError as error:
        pytest.skip(f"NO NETWORK NAMESPACES CAN BE MADE HERE: {error.stderr.decode().strip()}")
    finally:
        if shop is not None:
            shop.kill()
            shop.wait()
        for name in names:
            subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)
        subprocess.run(["ip", "link", "delete", bridge], check=False, capture_output=True)


def locust(*options, machine="", off_s=0.0, log=subprocess.DEVNULL):
    """Start Locust, on this machine or another, with a clock that is off."""
    shop = f"http://{HERE}:{SHOP_PORT}"
    inside = ["ip", "netns", "exec", machine] if machine else []
    command = [*inside, sys.executable, "-c", LOCUST.format(off_s=off_s), "-f", "loadtests/locustfile.py"]
    return subprocess.Popen(
        [*command, "--tokens-from", shop, "--host", shop, *options], stdout=subprocess.DEVNULL, stderr=log
    )


def run(tmp_path, profile, workers, *, meanwhile=lambda processes: None):
    """Run a profile on these workers (machine, clock's error) and return the summary and what the master said."""
    path = tmp_path / "summary.json"
    path.unlink(missing_ok=True)
    options = ["--master", "--master-bind-host", HERE, "--master-bind-port", str(PORT), "--headless", "OpenArrivals"]
    options += ["--expect-workers", str(len(workers)), "--arrival-profile", profile, "--arrival-summary", str(path)]
    log = (tmp_path / "master.log").open("w+b")
    master = locust(*options, "--seed", "5", log=log)
    at = ["--worker", "--master-host", HERE, "--master-port", str(PORT)]
    processes = [locust(*at, machine=machine, off_s=off_s) for machine, off_s in workers]
    try:
        while b"All users spawned" not in (tmp_path / "master.log").read_bytes() and master.poll() is None:
            time.sleep(0.1)
        time.sleep(3)
        processes += meanwhile(processes) or []
        master.wait(timeout=120)
    finally:
        for process in [master, *processes]:
            process.kill()
            process.wait()
        log.close()
    return (tmp_path / "master.log").read_text(), json.loads(path.read_text())


def test_clocks_that_differ_are_measured_and_make_no_difference(machines, tmp_path):
    first, second = machines

    def arrivals():
        return run(tmp_path, "200x4", [(first, 0.3), (second, -0.3)])

    output, summary = in_time(arrivals)

    offsets = sorted(clock["offset_ms"] for clock in summary["clocks"].values())
    assert offsets == pytest.approx([-300, 300], abs=25), output
    assert summary["processes"] == 2
    assert summary["arrivals_scheduled"] == summary["scheduled"] == summary["sent"]
    # Had they kept to their own clocks, one would have sent its share 600 ms after the other, and late.
    assert summary["generator"]["lag_ms"]["p50"] < 25
    assert not summary["came_too_late"]


def test_a_worker_that_is_killed_makes_the_run_void_and_what_it_had_to_send_is_counted(machines, tmp_path):
    first, second = machines

    def kill_one(processes):
        processes[1].kill()

    output, summary = run(tmp_path, "100x12", [(first, 0.0), (second, 0.0)], meanwhile=kill_one)

    assert summary["void"]
    assert any("1 of 2 processes did not hand in" in reason for reason in summary["void_reasons"]), output
    lost = summary["arrivals_scheduled"] - summary["scheduled"]
    assert lost == pytest.approx(summary["arrivals_scheduled"] / 2, abs=1)
    assert f"{lost} of {summary['arrivals_scheduled']} arrivals" in output


def test_a_worker_that_comes_late_leaves_the_run_whole_or_makes_it_void_and_is_named(machines, tmp_path):
    first, second = machines

    def start_another(_processes):
        at = ["--worker", "--master-host", HERE, "--master-port", str(PORT)]
        return [locust(*at, machine=second)]

    _, summary = run(tmp_path, "50x14", [(first, 0.0)], meanwhile=start_another)

    assert summary["processes"] == 1
    moved = len(summary["came_too_late"]) == 1  # Locust decides whether the user stays where it was
    assert moved == (summary["scheduled"] < summary["arrivals_scheduled"])
    assert moved == any("joined in the middle" in reason for reason in summary["void_reasons"])
