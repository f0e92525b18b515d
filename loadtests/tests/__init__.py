"""What the tests of the load need besides the load."""
