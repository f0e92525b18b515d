"""Notifications: what customers are told by mail, once for each order and kind. This is its facade."""

from monolith.notifications.remote import MovableNotifications
from monolith.notifications.routes import blueprint
from monolith.notifications.sender import Sender
from monolith.notifications.service import About, Notifications

__all__ = ["About", "MovableNotifications", "Notifications", "Sender", "blueprint"]
