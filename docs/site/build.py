"""Builds the documentation as a site that needs no network: `make docs-site`.

Pages stay where they lie and link as they do in the repository. What they link to besides, code and folders, becomes a
page of its own, so that no link leads out of the site. The API is drawn from the contract, as at `/docs` of a shop.
"""

from __future__ import annotations

import html
import json
import os
import posixpath
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import distribution
from importlib.util import find_spec
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
CONTRACT = "shared/contract/openapi.yaml"
PAGES = re.compile(r"(README|CHANGELOG)\.md|docs/(?!site/).*\.md|workshop/[^/]*\.md")
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)\s#]+)(#[^)]*)?\)")
DIAGRAM = re.compile(r"^```mermaid\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LANGUAGES = {".py": "python", ".js": "javascript", ".ts": "typescript", ".sql": "sql", ".yaml": "yaml", ".sh": "bash"}
# Material would fetch Mermaid from the network; NiceGUI, which draws the room, has it. A module, so it needs a server.
DIAGRAMS = """
const nodes = document.querySelectorAll("pre.diagram");
if (nodes.length) {
  const { mermaid } = await import("./mermaid/index.js");
  const dark = document.body.dataset.mdColorScheme === "slate";
  mermaid.initialize({ startOnLoad: false, theme: dark ? "dark" : "default", securityLevel: "strict" });
  await mermaid.run({ nodes });
}
"""
SWAGGER_UI = ("swagger-ui.css", "swagger-ui-bundle.js")
CONFIG = {
    "site_name": "Twinshop",
    "site_url": "",
    "use_directory_urls": False,  # so that it can be opened as files
    "theme": {
        "name": "material",
        "font": False,  # else it asks a server for one
        "features": ["navigation.tabs", "navigation.indexes", "search.highlight", "content.code.copy"],
        "palette": [
            {
                "media": f"(prefers-color-scheme: {scheme})",
                "scheme": colours,
                "primary": "teal",
                "accent": "deep orange",
                "toggle": {"icon": "material/brightness-6", "name": "Light or dark"},
            }
            for scheme, colours in (("light", "default"), ("dark", "slate"))
        ],
    },
    "extra_javascript": [{"path": "diagrams.js", "type": "module"}],
    "plugins": ["search"],  # it needs a server: Material's way around that fetches a script from the network
    "markdown_extensions": ["tables", "toc", "pymdownx.highlight", "pymdownx.superfences"],
}


def stage(target: Path) -> list[str]:
    """Copy all pages, and make one of all that they link to; return the names of the pages that are written by hand.

    Raises ValueError for a link that leads nowhere.
    """
    tracked = _tracked()
    pages = sorted(name for name in tracked if PAGES.fullmatch(name))
    for name in pages:
        text = (REPOSITORY / name).read_text("utf-8")
        text = DIAGRAM.sub(lambda block: f'<pre class="diagram">{html.escape(block[1])}</pre>', text)
        _write(target / name, LINK.sub(lambda link, name=name: led(link, name, target, tracked), text))
    return pages


def build(out: Path) -> None:
    """Write the site to `out`. Raises subprocess.CalledProcessError after mkdocs has said what is wrong."""
    work = out.with_name(f"{out.name}-work")
    for folder in (work, out):
        shutil.rmtree(folder, ignore_errors=True)
    pages = stage(work / "docs")
    add_mermaid(work / "docs")
    (work / "mkdocs.yml").write_text(yaml.safe_dump(CONFIG | {"site_dir": str(out), "nav": _nav(pages)}), "utf-8")
    subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "-f", work / "mkdocs.yml"],
        check=True,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
    )
    _draw_the_api(out / "api")
    shutil.rmtree(work)


def led(link: re.Match[str], page: str, target: Path, tracked: set[str]) -> str:
    """Return a link as it leads in the site, and make what it leads to."""
    name = posixpath.normpath(posixpath.join(posixpath.dirname(page), link[1]))
    inside = sorted(one for one in tracked if one.startswith(f"{name}/"))
    if name.endswith(".md") and name in tracked:
        return link[0]
    if name in tracked and Path(name).suffix in (".png", ".svg", ".css"):
        _copy(name, target)
        return link[0]
    if name in tracked:
        text = (REPOSITORY / name).read_text("utf-8")
        fence = "`" * 4
        _write(
            target / f"{name}.md", f"# {name}\n\n{fence}{LANGUAGES.get(Path(name).suffix, 'text')}\n{text}\n{fence}\n"
        )
        return f"]({link[1]}.md)"
    if inside:
        if f"{name}/README.md" not in inside:
            listed = "\n".join(f"- `{one.removeprefix(f'{name}/')}`" for one in inside)
            _write(target / name / "index.md", f"# {name}/\n\n{listed}\n")
            return f"]({link[1].rstrip('/')}/index.md)"
        return f"]({link[1].rstrip('/')}/README.md)"
    raise ValueError(f"{page}: {name} is not there")


def _nav(pages: Iterable[str]) -> list[dict[str, object]]:
    def below(folder: str) -> list[str]:
        inside = [name for name in pages if name.startswith(folder)]
        return sorted(inside, key=lambda name: (not name.endswith("README.md"), name))

    own = [name for name in below("docs/") if name.count("/") == 1]
    return [
        {"Start": ["README.md", "CHANGELOG.md"]},
        {"Workshop": below("workshop/")},
        {"Documentation": own},
        {"Decisions": below("docs/decisions/")},
        {"API": "api/index.html"},
    ]


def add_mermaid(folder: Path) -> None:
    """Write to `folder` what draws the diagrams. Raises ModuleNotFoundError."""
    nicegui = find_spec("nicegui")
    if nicegui is None or nicegui.origin is None:
        raise ModuleNotFoundError("NiceGUI, whose Mermaid draws the diagrams, is not installed: run `make setup`.")
    shutil.copytree(Path(nicegui.origin).parent / "elements/mermaid/dist", folder / "mermaid")
    _write(folder / "diagrams.js", DIAGRAMS)


def _draw_the_api(folder: Path) -> None:
    """Draw the contract by Swagger UI. It is part of the page: a browser reads no file beside a page that is a file."""
    files = Path(str(distribution("swagger-ui-py").locate_file("swagger_ui/static")))
    folder.mkdir(exist_ok=True)
    for name in SWAGGER_UI:
        shutil.copy(files / name, folder / name)
    page = (REPOSITORY / "shared/storefront/pages/docs.html").read_text("utf-8")
    page = page.replace('<link rel="icon" href="/storefront/icon.svg">\n', "").replace("/storefront/", "")
    (folder / "index.html").write_text(page, "utf-8")
    contract = json.dumps(yaml.safe_load((REPOSITORY / CONTRACT).read_text("utf-8")), default=str)
    options = f'{{ spec: {contract}, dom_id: "#docs", deepLinking: true, supportedSubmitMethods: [] }}'
    (folder / "docs.js").write_text(f"SwaggerUIBundle({options});\n", "utf-8")


def _tracked() -> set[str]:
    words = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout.split("\0")
    return {name for name in names if name and (REPOSITORY / name).is_file()}


def _copy(name: str, target: Path) -> None:
    (target / name).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(REPOSITORY / name, target / name)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


if __name__ == "__main__":
    build(Path(sys.argv[1]).resolve())
