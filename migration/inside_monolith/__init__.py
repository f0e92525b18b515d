"""The side of a migration that runs inside the monolith's process: modules leave it, one by one, while it serves.

`python -m migration.inside_monolith` serves a monolith whose modules can be extracted; `migrate` starts it in the plain
one's place. In the order of reading:

app.py            the wiring: each module's facade in a form that follows the gate
gate.py           which modules are extracted; and the moment in which that changes, while no operation runs
forwarding.py     requests for a module that is extracted, which came here all the same
outbox.py         events, written in the transaction that they tell about, and handed to the broker afterwards
inbox.py          events of a service, each of which takes effect once
peers.py          calls to services; catalog.py, payments.py, notifications.py: what is asked of each
saga/             placing and cancelling orders while the catalog is extracted
migrations/       its own tables, with a version table of their own
"""
