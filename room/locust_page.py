"""Opens Locust's own web page with the shop's users, hosts and shapes: `twinshop locust`."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys

from deploy.local.runner import LocalRunner
from deploy.model.home import REPOSITORY
from deploy.model.topology import SHOPS
from deploy.runner.console import console
from loadtests.load.elsewhere import ShopElsewhere
from room.addresses import locust_port

SHAPES = ("ramp", "spike", "steps")


def serve(elsewhere: ShopElsewhere | None = None) -> int:
    """Run Locust until Ctrl-C, and return its status. Users, shape and shop are chosen on its page. Raises DeployError.

    `elsewhere`: a shop that somebody else runs is the first choice, in place of one of this machine.
    """
    with elsewhere.opened() if elsewhere else contextlib.nullcontext() as shop:
        return _serve(shop)


def _serve(elsewhere: ShopElsewhere | None) -> int:
    port = locust_port()
    up = [name for name in SHOPS if LocalRunner(name).status().up]
    host = elsewhere.address if elsewhere else LocalRunner(up[0] if up else SHOPS[0]).address
    tokens = ("--tokens-from", elsewhere.tokens_from) if elsewhere else ()
    files = ["loadtests/locustfile.py", *(f"loadtests/load/shapes/{shape}.py" for shape in SHAPES)]
    names = ", ".join(up) or "none yet"
    console.print(f"Locust: [bold]http://127.0.0.1:{port}[/] for {host}; shops of this machine that are up: {names}.")
    return subprocess.call(
        [
            sys.executable, "-m", "locust", "-f", ",".join(files), "--class-picker",
            "--web-host", "127.0.0.1", "--web-port", str(port), "--host", host, *tokens,
        ],
        cwd=REPOSITORY,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
    )  # fmt: skip
