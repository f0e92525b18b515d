"""How many closed-loop users there are over time, for Locust."""
