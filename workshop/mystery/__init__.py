"""Mysteries: something is broken and nobody says what; who finds it names it."""
