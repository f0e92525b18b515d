"""The command line: one module for each group of commands. The only package that knows all others."""
