"""The shop's pages with a script more, which puts a strip of recommendations below a product."""

from __future__ import annotations

import hashlib
from importlib.resources import files

from shared.storefront import Page, Storefront

SCRIPT = "recommendations.js"
_LAST_OF_HEAD = b"</head>"
_TAG = f'  <script type="module" src="/storefront/{SCRIPT}"></script>\n'.encode()


class StorefrontWithStrip(Storefront):
    """The plain pages know nothing of it: the start page is sent with one line more."""

    def page(self, name: str) -> Page | None:
        """Return the file called `name`, or None."""
        if name == SCRIPT:
            return _page((files(__package__) / SCRIPT).read_bytes(), "text/javascript; charset=utf-8")
        plain = super().page(name)
        if plain is None or name != "index.html":
            return plain
        return _page(plain.content.replace(_LAST_OF_HEAD, _TAG + _LAST_OF_HEAD, 1), plain.media_type)


def _page(content: bytes, media_type: str) -> Page:
    return Page(content, media_type, f'"{hashlib.sha256(content).hexdigest()[:32]}"')
