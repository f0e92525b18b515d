"""How soon a client of the broker counts a connection as dead that says nothing: the same in every build."""

from __future__ import annotations

# A network that swallows packets resets nothing: unless asked, the client waits for TCP, which takes a quarter of an
# hour to give up. The client's own default is two minutes between pings.
PING_EVERY_S = 2
PINGS_UNANSWERED = 2
