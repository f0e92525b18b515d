"""The pages: one copy, small, and nothing on them comes from another host."""

from __future__ import annotations

import json
import re

from shared.storefront import Storefront

IDENTITY = "http://identity.example"
storefront = Storefront(build="monolith", identity_url=IDENTITY)
NAMES = ("index.html", "shop.css", "shop.js", "api.js", "cart.js", "ordering.js", "views.js", "pictures.js", "icon.svg")


def contents() -> dict[str, str]:
    pages = {name: page for name in NAMES if (page := storefront.page(name))}
    assert tuple(pages) == NAMES
    return {name: page.content.decode() for name, page in pages.items()}


def test_the_pages_are_small() -> None:
    assert sum(len(text) for text in contents().values()) < 150_000


def test_nothing_is_loaded_from_another_host() -> None:
    for name, text in contents().items():
        addresses = set(re.findall(r"https?://[^\s\"')]+", text)) - {"http://www.w3.org/2000/svg"}
        assert not addresses, name


def test_the_pages_name_their_build_and_where_to_sign_in() -> None:
    page = storefront.page("config.json")

    assert page
    assert json.loads(page.content) == {"build": "monolith", "identity_url": IDENTITY}


def test_the_policy_allows_the_shop_and_the_identity_provider_only() -> None:
    policy = storefront.headers["Content-Security-Policy"]

    assert "default-src 'none'" in policy
    assert f"connect-src 'self' {IDENTITY};" in policy
    assert "unsafe" not in policy


def test_no_path_reaches_the_disk() -> None:
    assert storefront.page("../__init__.py") is None
