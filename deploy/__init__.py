"""What each stack consists of, and how it is run: as processes here, as containers in compose."""
