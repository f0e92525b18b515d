"""Stacks as containers: where parts are, what an engine is told, and what it tells."""
