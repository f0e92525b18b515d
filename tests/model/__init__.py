"""A model of the saga, small enough to try every interleaving."""
