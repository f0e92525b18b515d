"""Whoever waits for an order waits for its news too: a call sends them, and not a job or an event.

What a call does not send, the job or the event sends after all: it is written with the order's step all the same.
"""
