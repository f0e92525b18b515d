"""Modules of the monolith that become services, and come back."""
