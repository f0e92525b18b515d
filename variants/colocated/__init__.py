"""The four services, unchanged, in one process. No network lies between them."""
