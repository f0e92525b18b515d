"""What sends requests: users and their journeys, when requests are due, shapes of load over time, generators."""
