"""Calls to other parts with retries and a circuit breaker, for the experiments `resilience` and `chaos`."""
