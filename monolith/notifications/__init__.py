"""Notifications: what customers are told by mail, once for each order and kind. This is its facade."""

from monolith.notifications.queue import About, Notifications, reset
from monolith.notifications.routes import blueprint
from monolith.notifications.sender import Sender

__all__ = ["About", "Notifications", "Sender", "blueprint", "reset"]
