"""Whoever waits for the order waits for its news too: they are sent by a call, and not by a job or an event."""
