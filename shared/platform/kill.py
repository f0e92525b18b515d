"""How a process ends itself as if somebody had ended it: at once, with nothing finished, flushed or closed."""

from __future__ import annotations

import os
import signal

STATUS = 128 + signal.SIGKILL  # what a shell and a container engine report for kill -9


def kill_self() -> None:
    """Kill this process with SIGKILL. Does not return.

    The first process of a container is let off by the kernel when it signals itself (pid_namespaces(7)); it leaves by
    _exit, which runs nothing of the program either.
    """
    os.kill(os.getpid(), signal.SIGKILL)
    os._exit(STATUS)
