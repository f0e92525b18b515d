"""A fifth part of the shop that thinks: which products go together, learned from its own orders.

In the monolith it is a module in the one process, in the services a service of its own; neither build knows of it.
`model.py` answers, `training.py` learns, `evaluation.py` measures, `history.py` makes orders of which one knows what
belongs together. They know arrays only: no database, no HTTP.
"""
