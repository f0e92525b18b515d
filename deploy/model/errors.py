"""What can go wrong when a stack is run. Every message is for the person at the terminal.

DeployError
├── UnknownTarget      no such stack, part or replica
├── PortTaken          somebody else listens where a part must
├── StartFailed        a part died while starting, or was not ready in time
├── NotRunning         the stack is not up
├── OlderSupervisor    the stack was started by a version that takes no commands from this one
├── FolderTrouble      the state folder cannot be written: permissions, or a full disk
├── MissingProgram     a program of a wheel is not installed
└── Unsupported        this system cannot do it (core affinity on macOS)
"""

from __future__ import annotations


class DeployError(Exception):
    """Base of everything that is told to the user without a traceback."""


class UnknownTarget(DeployError):
    """No such stack, part or replica."""


class PortTaken(DeployError):
    """Somebody else listens on a port that a part needs."""


class StartFailed(DeployError):
    """A part died while it was starting, or was not ready in time."""


class NotRunning(DeployError):
    """The stack is not up."""


class OlderSupervisor(DeployError):
    """The stack was started by a version of ours that takes no commands from this one."""


class FolderTrouble(DeployError):
    """The state folder cannot be written."""


class MissingProgram(DeployError):
    """A program that comes with a wheel is not there."""


class Unsupported(DeployError):
    """This operating system cannot do what was asked."""


BY_NAME: dict[str, type[DeployError]] = {cls.__name__: cls for cls in DeployError.__subclasses__()}
