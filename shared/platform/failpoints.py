"""Named points between two effects, where a test may kill or freeze the process. Off unless enabled; local mode only.

`CRASH_AT="payment.charged:3"` kills the process itself (SIGKILL) when `payment.charged` is reached for
the third time; several are separated by commas. `payment.charged:3:freeze` stops it instead (SIGSTOP), until somebody
lets it go on (SIGCONT): of all processes only the one that can make `REACHED_FILE` + `.frozen`, which holds its process
id, so that another replica may pass the same point. `REACHED_FILE` names a file to which the name of every
point reached is appended, so that a run can prove that it went where it says it went.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections import Counter

from shared.platform.kill import kill_self

NAMES = (
    "order.placed",
    "order.reserved",
    "payment.recorded",
    "payment.charged",
    "payment.settled",
    "order.confirmed",
    "cancel.started",
    "refund.recorded",
    "refund.sent",
    "refund.settled",
    "cancel.done",
    "mail.claimed",
    "mail.sent",
    "outbox.published",
    "inbox.applied",
)
# Passed and counted, but never died at: states that a run under faults has to meet.
LANDMARKS = ("breaker.opened", "breaker.probed", "breaker.closed")

_crash_at: dict[str, int] = {}
_freeze_at: dict[str, int] = {}
_reached: Counter[str] = Counter()
_reached_file: str = ""


def enable(crash_at: str, reached_file: str, *, local_mode: bool) -> None:
    """Arm the points named by `crash_at`. Raises ValueError outside local mode and for a name that is not known."""
    global _reached_file  # noqa: PLW0603  (one process, one set of failpoints)
    if not crash_at and not reached_file:
        return
    if not local_mode:
        raise ValueError("failpoints are refused outside local mode: unset CRASH_AT and REACHED_FILE")
    for item in filter(None, crash_at.split(",")):
        name, _, rest = item.strip().partition(":")
        count, _, freeze = rest.partition(":")
        if name not in NAMES or (count and not count.isdigit()) or freeze not in ("", "freeze"):
            raise ValueError(
                f"CRASH_AT={item!r}: want <name>:<n> or <name>:<n>:freeze, a name out of {', '.join(NAMES)}"
            )
        if freeze and not reached_file:
            raise ValueError(f"CRASH_AT={item!r} needs REACHED_FILE, beside which the frozen process leaves its id")
        (_freeze_at if freeze else _crash_at)[name] = int(count or 1)
    _reached_file = reached_file


def failpoint(name: str) -> None:
    """Mark that this point is reached; kill or freeze the process if it is due here. Free of charge when off."""
    if not _crash_at and not _reached_file:
        return
    _reached[name] += 1
    if _reached_file:
        with open(_reached_file, "a", encoding="ascii") as file:
            file.write(name + "\n")
    if _crash_at.get(name) == _reached[name]:
        kill_self()
    if _freeze_at.get(name) == _reached[name]:
        _freeze()


def _freeze() -> None:
    """Stop this process until it gets SIGCONT, unless another process was frozen before."""
    with contextlib.suppress(FileExistsError), open(f"{_reached_file}.frozen", "x", encoding="ascii") as file:
        file.write(str(os.getpid()))
        file.flush()
        os.kill(os.getpid(), signal.SIGSTOP)
