"""Modules that leave the process, one by one, while it serves. Off unless MOVABLE is set. This is its facade.

gate.py     which modules are out; and the moment in which that changes, while no operation runs
outbox.py   events, written in the transaction that they tell about, and handed to the broker afterwards
inbox.py    events of a service that has left, each of which takes effect once
calls.py    calls to services that have left
hand_on.py  requests for a module that is out, which came here all the same
install.py  puts these into the application
"""

from monolith.moving.calls import Peer
from monolith.moving.gate import Gate
from monolith.moving.inbox import Inbox
from monolith.moving.install import install
from monolith.moving.outbox import Outbox

__all__ = ["Gate", "Inbox", "Outbox", "Peer", "install"]
