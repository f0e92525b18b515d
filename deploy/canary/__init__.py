"""A new version of a part beside the first: its share of the requests, and the analysis that takes it back."""
