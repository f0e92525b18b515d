"""The pages: one copy, small, and nothing on them comes from another host."""

from __future__ import annotations

import json
import re
from pathlib import Path

from shared.seed.assortment import CATEGORIES
from shared.storefront import Storefront

IDENTITY = "http://identity.example"
storefront = Storefront(build="monolith", identity_url=IDENTITY)
PAGES = Path(__file__).parent / "pages"


def contents() -> dict[str, str]:
    pages = {path.name: storefront.page(path.name) for path in PAGES.iterdir() if not path.name.startswith("docs.")}
    assert {"index.html", "shop.js", "shop.css", "icon.svg"} <= set(pages)
    return {name: page.content.decode() for name, page in pages.items() if page}


def kinds_drawn() -> dict[str, dict[str, str]]:
    """Return the drawings by category and kind, as `drawings.js` has them."""
    text = (PAGES / "drawings.js").read_text("utf-8")
    shelves = re.findall(r"^  (\w+): \{$(.*?)^  \},$", text, re.MULTILINE | re.DOTALL)
    return {name: dict(re.findall(r'^    "(.+?)": "(.+?)",$', body, re.MULTILINE)) for name, body in shelves}


def test_the_pages_are_small() -> None:
    assert sum(len(text) for text in contents().values()) < 80_000


def test_all_scripts_are_asked_for_at_once() -> None:
    scripts = set(re.findall(r'/storefront/(\w+\.js)"', contents()["index.html"]))

    assert scripts == {name for name in contents() if name.endswith(".js")}


def test_every_kind_of_product_has_a_drawing_of_its_own_and_no_other_thing_has() -> None:
    shelves = kinds_drawn()

    assert {name: set(kinds) for name, kinds in shelves.items()} == {
        category.name: {kind.noun.lower() for kind in category.kinds} for category in CATEGORIES
    }
    drawings = [drawing for kinds in shelves.values() for drawing in kinds.values()]
    assert len(set(drawings)) == len(drawings) == 96
    assert max(map(len, drawings)) < 1000


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
