"""The documentation as a site: every page is in it, and no link of a page leads out of it."""

from __future__ import annotations

import posixpath
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from deploy.model.home import REPOSITORY


@pytest.fixture(scope="module")
def site() -> ModuleType:
    """What builds it."""
    spec = spec_from_file_location("site_build", REPOSITORY / "docs/site/build.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_every_link_of_a_page_leads_to_another_of_the_site(site: ModuleType, tmp_path: Path) -> None:
    pages = site.stage(tmp_path)

    links = [
        posixpath.normpath(posixpath.join(posixpath.dirname(page), link[1]))
        for page in pages
        for link in site.LINK.finditer((tmp_path / page).read_text("utf-8"))
    ]
    assert {"README.md", "CHANGELOG.md", "docs/architecture.md", "workshop/05-kill-payments.md"} <= set(pages)
    assert len(links) > 200
    assert [link for link in links if not (tmp_path / link).is_file()] == []


def test_a_link_that_leads_nowhere_is_named(site: ModuleType, tmp_path: Path) -> None:
    (link,) = site.LINK.finditer("[what](nowhere.py)")

    with pytest.raises(ValueError, match=r"docs/files.md: docs/nowhere.py is not there"):
        site.led(link, "docs/files.md", tmp_path, {"docs/files.md"})


def test_diagrams_are_drawn_by_what_lies_beside_the_pages(site: ModuleType, tmp_path: Path) -> None:
    site.stage(tmp_path)
    site.add_mermaid(tmp_path)

    page = (tmp_path / "docs/architecture.md").read_text("utf-8")
    assert page.count('<pre class="diagram">flowchart LR') == 3
    assert "```mermaid" not in page
    assert (tmp_path / "mermaid/index.js").is_file()
    assert '"./mermaid/index.js"' in (tmp_path / "diagrams.js").read_text("utf-8")
