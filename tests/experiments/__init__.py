"""The experiments in their quick form, from the command to the report."""
