"""The experiments: one file each, whose docstring says what is asked, expected, held equal, and how to read it."""
