"""Envoy's configuration, written from data: the edge in front of every shop, and the balancing between services."""
