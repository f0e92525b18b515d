"""How much can the generator send? `python -m loadtests.load.generator.benchmark` tries rates against the trivial shop.

Question: how many arrivals a second leave one core on time? Load: Poisson arrivals of the `shopping` mix, 5 s a rate,
the generator on one core and the shop on another. How to read it: the highest rate whose row is not void is what this
machine can send with one process; a comparison should stay under half of it, or use `--processes`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

RATES = (500, 1_000, 2_000, 3_000, 4_000)
PORT = 18_499
SHOP_STARTS_S = 1.0


def measure(rate: int, out: Path, port: int = PORT) -> dict[str, Any]:
    """Send `rate` arrivals/s for 5 s to the trivial shop on `port`; return the run's summary."""
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "loadtests.load.arrivals", "--host", address, "--tokens-from", address]
    options = ["--rate", str(rate), "--duration", "5", "--warm-up", "1", "--cores", "0", "--out", str(out)]
    subprocess.run([*command, *options], check=False, stdout=subprocess.DEVNULL)
    summary: dict[str, Any] = json.loads((out / "summary.json").read_text())
    return summary


def row(rate: int, summary: dict[str, Any]) -> str:
    """Return one line of the table."""
    generator, latency = summary["generator"], summary["latency_ms"]
    verdict = "; ".join(summary["void_reasons"]) or "valid"
    return (
        f"{rate:>6}/s  sent {summary['achieved']:7.2%}  core {generator['cpu_share']:4.0%}  "
        f"lag p99 {generator['lag_ms']['p99']:7.2f} ms  "
        f"latency p50 {latency['p50']:6.2f} p99 {latency['p99']:7.2f} ms  {verdict}\n"
    )


def main() -> None:
    """Start the shop, try all rates, stop it."""
    shop = subprocess.Popen([sys.executable, "-m", "loadtests.load.generator.trivial_shop", str(PORT)])
    try:
        if hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > 1:
            os.sched_setaffinity(shop.pid, {1})
        time.sleep(SHOP_STARTS_S)
        with tempfile.TemporaryDirectory() as folder:
            for rate in RATES:
                sys.stdout.write(row(rate, measure(rate, Path(folder))))
                sys.stdout.flush()
    finally:
        shop.terminate()
        shop.wait()


if __name__ == "__main__":
    main()
