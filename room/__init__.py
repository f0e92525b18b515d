"""The control room: one page on which both architectures run, are loaded, broken and healed before an audience."""
