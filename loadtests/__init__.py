"""The load and the measuring: Locust users, experiments, figures and reports."""
