"""Payments: charges, refunds, and everything the shop says to its payment provider."""
