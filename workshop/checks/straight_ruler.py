"""Lab 3: a ruler that sees a stall, because it counts from when a request was due."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from deploy.runner.console import console
from workshop.checks import require
from workshop.exercise import Exercise

STALL_FROM_S, STALL_S = 1.5, 1.0  # into the measuring, which lasts four seconds
DUE = 200  # fifty a second for four seconds
_FIGURES = re.compile(r"(\d+) requests, p99 (\d+) ms")


def check(exercise: Exercise) -> None:
    """Measure a page that stands still for a second: a quarter of what was due has waited for up to that long."""
    requests, p99_ms = _measure(exercise, stalls=True)
    console.print(f"A stall of {STALL_S:.0f} s: {requests} requests, p99 {p99_ms} ms")
    require(
        requests >= 0.95 * DUE,
        f"{DUE} requests were due, and only {requests} were sent: the ruler waited with the page.",
    )
    require(
        p99_ms >= 800 * STALL_S,
        f"Half the requests that were due in a stall of a second wait for more than half a second, and the p99 of all "
        f"{DUE} is about a second. The ruler says {p99_ms} ms.",
    )
    requests, p99_ms = _measure(exercise, stalls=False)
    console.print(f"Without a stall: {requests} requests, p99 {p99_ms} ms")
    require(p99_ms < 500, f"Nothing stood still, and the ruler says {p99_ms} ms.")


def _measure(exercise: Exercise, *, stalls: bool) -> tuple[int, int]:
    with _page(stalls=stalls) as url:
        process = exercise.python("ruler.py", url)
    figures = _FIGURES.search(process.stdout)
    if process.returncode != 0 or figures is None:
        require(
            condition=False,
            message=f"`python ruler.py URL` does not say 'N requests, p99 N ms':\n{process.stdout[-2000:]}",
        )
        raise AssertionError
    return int(figures[1]), int(figures[2])


@contextmanager
def _page(*, stalls: bool) -> Iterator[str]:
    """Serve a page that stands still once, for whoever asks then."""
    first_asked: list[float] = []
    lock = threading.Lock()

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with lock:
                first_asked.append(time.monotonic()) if not first_asked else None
            into_s = time.monotonic() - first_asked[0]
            if stalls and STALL_FROM_S <= into_s < STALL_FROM_S + STALL_S:
                time.sleep(STALL_FROM_S + STALL_S - into_s)
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        request_queue_size = 256
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
