"""Both builds with recommendations."""
