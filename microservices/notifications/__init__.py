"""Notifications: what customers are told about their orders, by mail and in a list."""
