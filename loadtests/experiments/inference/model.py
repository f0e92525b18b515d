"""The model of a shop under measurement, seen from outside: its route, and the folder in which its files lie."""

from __future__ import annotations

import contextlib
import json
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
    versions: list[str] = []
    while len(versions) < IN_A_ROW:
        version = _version(url)
        versions = [*versions, version] if version and set(versions) <= {version} else []
        if time.monotonic() > give_up_at:
            raise DeployError(f"{arm.name} has no model of {products:,} products after {TRAINED_WITHIN_S:.0f} s.")
        if not versions:
            time.sleep(0.2)
    return versions[0]


def _version(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310  (an address of ours)
            return str(json.load(answer)["model"])
    except (urllib.error.URLError, OSError, ValueError):
        return ""


@contextlib.contextmanager
def replacing(arm: Arm, phase: str) -> Iterator[None]:
    """Put the newest model there under the next number, twice a second, so that each replica reads it anew.

    It is whole where the phase is `reload`, and cut off where it is `wrong`; in other phases nothing is put there.
    """
    if phase not in ("reload", "wrong"):
        yield
        return
    stop, folder = threading.Event(), Path(arm.runner.site.data_of(arm.runner.stack.name, RECOMMENDATIONS))
    thread = threading.Thread(target=_replace, args=(folder, stop), kwargs={"is_whole": phase == "reload"})
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _replace(folder: Path, stop: threading.Event, *, is_whole: bool) -> None:
    first = max(folder.glob("model-*.npz"))
    content, newest = first.read_bytes(), first
    while not stop.wait(RELOAD_EVERY_S):
        word, number, *rest = newest.name.split("-")
        following = newest.with_name("-".join([word, f"{int(number) + 1:06d}", *rest]))
        draft = folder / "reload.draft"
        draft.write_bytes(content if is_whole else content[: len(content) // 2])
        draft.rename(following)
        if newest != first:
            newest.unlink()
        newest = following
