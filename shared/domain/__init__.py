"""The rules of the shop. Standard library only; both builds call these and neither rewrites them."""
