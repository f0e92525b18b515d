"""One order's way through a stack, from the spans that its parts have kept: read, put together, explained, drawn."""
