"""Keeps pages of other web sites off Locust's own: whoever may press its buttons sends load to any address."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, abort, request

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def refuse_other_sites(app: Flask) -> None:
    """Answer 403 to a request whose Origin is not Locust's own page, or whose Host is no name of this machine.

    A browser sends an Origin with whatever changes something. A host without a dot is a container's name.
    """

    @app.before_request
    def check() -> None:
        name = urlsplit(f"//{request.host}").hostname or ""
        origin = request.headers.get("Origin")
        if (name not in LOOPBACK and "." in name) or origin not in (None, f"http://{request.host}"):
            abort(403, "Locust answers its own page only.")
