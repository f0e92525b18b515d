"""Figures and proofs: latency, statistics, CPU, memory, reconciliation."""
