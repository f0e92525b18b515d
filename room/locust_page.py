"""Opens Locust's own web page with the shop's users, hosts and shapes: `twinshop locust`."""

from __future__ import annotations

import os
import subprocess
import sys

from deploy.local.runner import LocalRunner
from deploy.model.home import REPOSITORY
from deploy.model.topology import SHOPS
from deploy.runner.console import console
from room.addresses import locust_port

SHAPES = ("ramp", "spike", "steps")


def serve() -> int:
    """Run Locust until Ctrl-C, and return its status. Users, shape and shop are chosen on its page."""
    port = locust_port()
    up = [name for name in SHOPS if LocalRunner(name).status().up]
    first = up[0] if up else SHOPS[0]
    files = ["loadtests/locustfile.py", *(f"loadtests/load/shapes/{shape}.py" for shape in SHAPES)]
    console.print(f"Locust: [bold]http://127.0.0.1:{port}[/]; shops that are up: {', '.join(up) or 'none yet'}.")
    return subprocess.call(
        [
            sys.executable, "-m", "locust", "-f", ",".join(files), "--class-picker",
            "--web-host", "127.0.0.1", "--web-port", str(port), "--host", LocalRunner(first).address,
        ],
        cwd=REPOSITORY,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
    )  # fmt: skip
