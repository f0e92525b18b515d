"""Traces of real orders, in real stacks."""
