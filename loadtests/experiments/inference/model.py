"""The model of a shop under measurement, seen from outside: its route, and the folder in which its files lie."""

from __future__ import annotations

import contextlib
import json
import shutil
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from deploy.model.errors import DeployError
from deploy.model.extras import RECOMMENDATIONS
from loadtests.engine.arm import Arm
from shared.seed import products as seed_products

TRAINED_WITHIN_S = 120.0
RELOAD_EVERY_S = 0.5
IN_A_ROW = 5  # answers that name a model: there may be several replicas


def awaited(arm: Arm, products: int) -> str:
    """Return the version of the model that knows all products, once every replica has it. Raises DeployError."""
    *_, last = seed_products(products)
    url = f"{arm.runner.address}/products/{last.sku}/recommendations"
    give_up_at = time.monotonic() + TRAINED_WITHIN_S
    seen: list[str] = []
    while len(seen) < IN_A_ROW:
        version = _version(url)
        seen = [*seen, version] if version and set(seen) <= {version} else []
        if time.monotonic() > give_up_at:
            raise DeployError(f"{arm.name} has no model of {products:,} products after {TRAINED_WITHIN_S:.0f} s.")
        if not seen:
            time.sleep(0.2)
    return seen[0]


def _version(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310  (an address of ours)
            return str(json.load(answer)["model"])
    except (urllib.error.URLError, OSError, ValueError):
        return ""


@contextlib.contextmanager
def reloading(arm: Arm, *, often: bool) -> Iterator[None]:
    """Put the newest model there again under the next number, twice a second, so that each replica reads it anew."""
    if not often:
        yield
        return
    done = threading.Event()
    thread = threading.Thread(target=_replace, args=(Path(arm.runner.site.data_of(arm.name, RECOMMENDATIONS)), done))
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _replace(folder: Path, done: threading.Event) -> None:
    first = max(folder.glob("model-*.npz"))
    newest = first
    while not done.wait(RELOAD_EVERY_S):
        word, number, *rest = newest.name.split("-")
        following = newest.with_name("-".join([word, f"{int(number) + 1:06d}", *rest]))
        draft = folder / "reload.draft"
        shutil.copyfile(first, draft)
        draft.rename(following)
        if newest != first:
            newest.unlink()
        newest = following
