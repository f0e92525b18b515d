"""Results: their form on disk, and the report that is drawn from them."""
