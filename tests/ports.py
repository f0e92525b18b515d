"""Where the tests' own stacks listen: a block of ports for each kind, all counted from `TWINSHOP_TEST_PORT_SHIFT`.

Sessions that run side by side have shifts that are `SESSION_WIDTH` apart.
"""

from __future__ import annotations

import os

from deploy.model.errors import DeployError
from deploy.model.ports import checked_shift

VARIABLE = "TWINSHOP_TEST_PORT_SHIFT"
DEFAULT_SHIFT = 2000  # a developer's own stacks are shifted by nothing, or by a little
BLOCK = 320  # more than the inner ports of all stacks span
SESSION_WIDTH = 5 * BLOCK


def checked_session_shift(text: str) -> int:
    """Return the shift of a test session; ends the program for what is no number, or leaves no room for the blocks."""
    beside = SESSION_WIDTH - BLOCK
    try:
        first = checked_shift(text)
        checked_shift(first + beside)
    except DeployError as error:  # not raised: it would be a stack trace, since pytest's conftest files come here
        raise SystemExit(f"{VARIABLE}={text}, with {beside} more for the stacks beside: {error}") from None
    return first


ARMS_SHIFT = checked_session_shift(os.environ.get(VARIABLE) or str(DEFAULT_SHIFT))
DATABASES_SHIFT = ARMS_SHIFT + BLOCK  # databases without their applications
STAND_INS_SHIFT = ARMS_SHIFT + 2 * BLOCK  # the stacks of deploy/tests, which have stand-ins as applications
COMMANDS_SHIFT = ARMS_SHIFT + 3 * BLOCK  # what commands of the documentation start, one after the other
CONTAINERS_SHIFT = ARMS_SHIFT + 4 * BLOCK
