"""The catalog: products, their stock, and the reservations that orders hold on it."""
