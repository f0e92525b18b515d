"""Moves modules of a running monolith out, to the services of `microservices`, and back; nobody who buys notices.

In the order of reading: moves.py (the steps of a move), copying.py (backfill, catch-up, verification), crossing.py (the
moment in which a module changes sides), watch.py (bounds, and when a step goes back), records.py and a file for each
module (how both sides keep the same records). It knows both schemas, as SQL, and imports neither build.
"""
