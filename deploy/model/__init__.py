"""What the stacks consist of, as data: parts, ports, settings, versions, and what can go wrong with them."""
