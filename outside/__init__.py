"""The outside world, the same for every build: payment provider, identity provider, mail server. Separate processes."""
