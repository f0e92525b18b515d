"""Conducts experiments that are declared: it starts the arms, loads them, checks their books and compares them."""
