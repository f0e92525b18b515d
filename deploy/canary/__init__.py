"""A new version of a part beside the first: its share of the requests, and the guard that takes it back."""
