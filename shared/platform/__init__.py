"""Plumbing that both builds use and that knows no word of the shop's business."""
