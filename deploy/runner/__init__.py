"""The one interface to a running stack, and what it needs wherever the parts run: processes or containers."""
