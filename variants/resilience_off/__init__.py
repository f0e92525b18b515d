"""The orders service without its fallback: an order whose payment is unknown is no success to its customer."""
