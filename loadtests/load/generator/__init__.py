"""The open-loop load generator: when a request is due, sending it then, and keeping what came back."""
