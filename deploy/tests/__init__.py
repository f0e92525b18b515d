"""Tests of the runner, with real processes: PostgreSQL, NATS, Envoy, and a stand-in where a shop would be."""
