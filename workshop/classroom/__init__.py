"""A room's progress: participants who choose so report how far they are, and the instructor sees who is stuck."""
