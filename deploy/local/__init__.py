"""Stacks as processes of this machine: a supervisor for each stack, which starts, watches and stops its parts."""
