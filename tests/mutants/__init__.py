"""Planted bugs: what the reconciler must find, and a proof that it would."""
