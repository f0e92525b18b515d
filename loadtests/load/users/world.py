"""What the load has to know before it starts: products that exist, and customers with tokens. Asked over HTTP."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from geventhttpclient.client import HTTPClient

from loadtests.load.generator.connections import trusted

PAGE_LIMIT = 100
# Popularity beyond this many products hardly shows in a run, and reading a catalogue of 100,000 would take a minute.
MAX_PRODUCTS_READ = 5_000
COMMAND_TIMEOUT_S = 60.0
ADMIN_TTL_S = 24 * 3600
TOKENS_FROM = (
    "the identity provider's address; or 'header:Authorization: Bearer TOKEN'; or 'command:...', which prints a token "
    "a line, COUNT of them"
)
_WORD = re.compile(r"[A-Za-z]{3,}")


class WorldNotReady(RuntimeError):
    """The shop or the identity provider did not give what the load needs."""


@dataclass(frozen=True)
class Catalogue:
    """Products for sale: their skus, for each a word that its name holds, the categories, and the products whole."""

    skus: tuple[str, ...]
    words: dict[str, str]
    categories: tuple[str, ...]
    products: dict[str, dict[str, Any]] = field(default_factory=dict)  # by sku, as GET /products shows them
    read_between: tuple[float, float] = (0.0, 0.0)  # in seconds since the epoch


@dataclass(frozen=True)
class Customer:
    """Somebody who can buy: the token's subject, and the token."""

    subject: str
    token: str


def read_catalogue(host: str) -> Catalogue:
    """Return the products that the shop at `host` sells, by its public API. Raises WorldNotReady."""
    began = time.time()
    products: dict[str, dict[str, Any]] = {}
    words: dict[str, str] = {}
    categories: dict[str, None] = {}
    cursor: str | None = ""
    while cursor is not None and len(products) < MAX_PRODUCTS_READ:
        after = f"&cursor={quote(cursor)}" if cursor else ""
        page = _ask("GET", f"{host}/products?limit={PAGE_LIMIT}{after}")
        for product in page["items"]:
            products[product["sku"]] = product
            categories[product["category"]] = None
            if word := _WORD.search(product["name"]):
                words[product["sku"]] = word.group().lower()
        cursor = page["next_cursor"]
    if not products:
        raise WorldNotReady(f"{host} sells nothing: its products have not been seeded")
    return Catalogue(tuple(products), words, tuple(categories), products, (began, time.time()))


def customers(tokens_from: str, count: int, prefix: str) -> list[Customer]:
    """Return customers with tokens, from where TOKENS_FROM says. Raises WorldNotReady."""
    how, _, what = tokens_from.partition(":")
    if how == "header":
        return [Customer(f"{prefix}-0", _token(what))]
    if how == "command":
        return [Customer(f"{prefix}-{number}", _token(line)) for number, line in enumerate(_lines_of(what, count))]
    answer = _ask("POST", f"{tokens_from}/tokens/batch", {"count": count, "prefix": prefix})
    return [Customer(token["subject"], token["access_token"]) for token in answer["tokens"]]


def admin(tokens_from: str) -> Customer:
    """Return an admin with a token, who may change products. Raises WorldNotReady."""
    if not tokens_from.startswith(("http://", "https://")):
        raise WorldNotReady(
            "This mix changes products, which needs an admin's token: want the identity provider's address in "
            "--tokens-from, or a mix without price and restock."
        )
    claims = {"count": 1, "prefix": "load-admin", "roles": ["admin"], "ttl_s": ADMIN_TTL_S}
    (token,) = _ask("POST", f"{tokens_from}/tokens/batch", claims)["tokens"]
    return Customer(token["subject"], token["access_token"])


def _token(text: str) -> str:
    """Return the token of `Authorization: Bearer TOKEN`, `Bearer TOKEN` or `TOKEN`."""
    token = text.strip().removeprefix("Authorization:").strip().removeprefix("Bearer ").strip()
    if not token or " " in token:
        raise WorldNotReady("--tokens-from: want a token, such as 'header:Authorization: Bearer TOKEN'")
    return token


def _lines_of(command: str, count: int) -> list[str]:
    """Run a command of the user's, who is told the number of customers as COUNT; return the lines it printed."""
    environment = os.environ | {"COUNT": str(count)}
    try:
        ended = subprocess.run(
            ["/bin/sh", "-c", command], capture_output=True, text=True, check=False, timeout=COMMAND_TIMEOUT_S,
            env=environment,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise WorldNotReady(f"--tokens-from: {error}") from error
    lines = [line for line in ended.stdout.splitlines() if line.strip()]
    if ended.returncode or not lines:
        raise WorldNotReady(f"--tokens-from: '{command}' ended with {ended.returncode}: {ended.stderr[-300:]}")
    return lines[:count]


def _ask(method: str, url: str, body: dict[str, Any] | None = None) -> Any:
    address = urlsplit(url)
    tls = {"ssl_options": trusted()} if address.scheme == "https" else {}
    client = HTTPClient.from_url(url, connection_timeout=10, network_timeout=10, **tls)
    try:
        response = client.request(
            method,
            f"{address.path}?{address.query}" if address.query else address.path,
            body=json.dumps(body) if body is not None else b"",
            headers={"Content-Type": "application/json", "Accept": "application/json"},
        )
        content = bytes(response.read())
        if response.status_code not in (200, 201):
            raise WorldNotReady(f"{method} {url} was answered {response.status_code}: {content[:300]!r}")
        return json.loads(content)
    except (OSError, ValueError, KeyError) as error:
        raise WorldNotReady(f"{method} {url}: {error}") from error
    finally:
        client.close()
