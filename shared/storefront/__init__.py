"""The web pages of the shop and its API: one copy that both builds serve at `/`, `/docs` and below `/storefront/`."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from importlib.metadata import distribution
from importlib.resources import files
from pathlib import Path

from shared import contract

_MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".yaml": "application/yaml",
}
_SWAGGER_UI = ("swagger-ui.css", "swagger-ui-bundle.js")  # it draws the contract at /docs


@dataclass(frozen=True)
class Page:
    """A file as it is sent: `etag` is a hash of the content, so that a browser asks and mostly gets 304."""

    content: bytes
    media_type: str
    etag: str


class Storefront:
    """The files, read once, with what this build puts into `config.json`."""

    def __init__(self, *, build: str, identity_url: str) -> None:
        """`build` is shown on the badge; `identity_url` is where the pages sign a demo customer in."""
        pages = (files(__package__) / "pages").iterdir()
        self._pages = {
            page.name: _page(page.name, page.read_bytes()) for page in pages if _suffix(page.name) in _MEDIA_TYPES
        }
        # The package's files and not the package, whose import would bring the frameworks that it serves.
        swagger_ui = Path(str(distribution("swagger-ui-py").locate_file("swagger_ui/static")))
        self._pages |= {name: _page(name, (swagger_ui / name).read_bytes()) for name in _SWAGGER_UI}
        self._pages["openapi.yaml"] = _page("openapi.yaml", (files(contract) / "openapi.yaml").read_bytes())
        config = json.dumps({"build": build, "identity_url": identity_url}).encode()
        self._pages["config.json"] = Page(config, "application/json", _etag(config))
        self.headers = {
            "Cache-Control": "no-cache",
            "Content-Security-Policy": (
                f"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
                f"connect-src 'self' {identity_url}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
            ),
            "Referrer-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
        }

    def page(self, name: str) -> Page | None:
        """Return the file called `name`, or None if there is none. No path reaches the disk."""
        return self._pages.get(name)


def _page(name: str, content: bytes) -> Page:
    return Page(content, _MEDIA_TYPES[_suffix(name)], _etag(content))


def _suffix(name: str) -> str:
    return name[name.rfind(".") :]


def _etag(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'
