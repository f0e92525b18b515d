"""Game days: faults on a schedule, each with a hypothesis that is checked while it runs."""
