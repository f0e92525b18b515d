"""When a build forgets what nobody can ask for any more: keys that were kept long enough, and events long handled.

How long a key is kept, and how much is forgotten at a time, is the same for both builds; each knows its own tables.
"""

from __future__ import annotations

EVERY_S = 600.0  # a pause between two looks: one statement a table, and an idle shop stays idle
BATCH = 1000  # rows a transaction, so that nobody waits for one
PAUSE_S = 1.0  # between batches where there is more: a backlog is nothing that customers should feel

# Who forgets holds this advisory lock, and so does who copies a module to its other side: what is forgotten on one
# side only would look like a copy that has gone wrong. Any number, as long as all take the same.
LOCK = 0x7072756E  # 'prun'
