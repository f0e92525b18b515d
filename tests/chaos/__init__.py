"""Processes are killed while orders flow; afterwards the books must add up."""
