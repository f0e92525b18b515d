"""Shops that run elsewhere: an address in the place of a stack, written the same way wherever one may stand."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

import httpx

from deploy.model.errors import DeployError
from loadtests.load.generator.plan import DEFAULT_CUSTOMERS, DEFAULT_PREFIX
from loadtests.load.users import world

TIMEOUT_S = 10.0
UNSEEN = (
    "Seen from outside: latency, errors, and confirmed orders, each read back by the public API (status, total, list "
    "of its owner). Not seen: CPU and memory, and the books of stock, money and mails; way and balancer in front of "
    "the shop are in its latency."
)


@dataclass(frozen=True)
class ShopElsewhere:
    """An address without a trailing slash, and where tokens for it are from (`TOKENS_FROM` of users/world.py)."""

    address: str
    tokens_from: str

    @classmethod
    def of(cls, address: str, tokens_from: str) -> ShopElsewhere:
        """Read an address such as https://shop.example. Raises DeployError."""
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
            raise DeployError(f"'{address}' is no address of a shop; write it as https://shop.example:8443.")
        if not tokens_from:
            raise DeployError(
                f"{address} needs --tokens-from: the identity provider's address, 'header:Authorization: Bearer TOKEN',"
                " or 'command:...', which prints tokens."
            )
        return cls(address.rstrip("/"), tokens_from)

    @classmethod
    def each(cls, addresses: Sequence[str], tokens_from: Sequence[str]) -> list[ShopElsewhere]:
        """Read several addresses: tokens are from one place for all, or for each from its own. Raises DeployError."""
        if len(tokens_from) not in (0, 1, len(addresses)):
            raise DeployError(f"--tokens-from: want one for all, or {len(addresses)}, one for each address.")
        places = tokens_from if len(tokens_from) == len(addresses) else [*tokens_from, ""][:1] * len(addresses)
        return [cls.of(address, place) for address, place in zip(addresses, places, strict=True)]

    @property
    def name(self) -> str:
        """The address as it can stand in the name of a folder."""
        return urlsplit(self.address).netloc.replace(":", "-")

    @contextmanager
    def opened(self) -> Iterator[ShopElsewhere]:
        """Look whether a shop is there and tokens can be had; a command that prints some is asked once, and no more.

        So those who buy are those who read their orders back. Raises DeployError that says what is wrong.
        """
        self._require()
        try:
            customers = world.customers(self.tokens_from, DEFAULT_CUSTOMERS, DEFAULT_PREFIX)
        except world.WorldNotReady as error:
            raise DeployError(f"{self.address}: {error}") from error
        if not self.tokens_from.startswith("command:"):
            yield self
            return
        with tempfile.NamedTemporaryFile("w", prefix="twinshop-tokens-") as file:  # nobody else may read it
            file.writelines(f"{customer.token}\n" for customer in customers)
            file.flush()
            yield replace(self, tokens_from=f"command:cat {shlex.quote(file.name)}")

    def _require(self) -> None:
        try:
            answer = httpx.get(f"{self.address}/products", params={"limit": "1"}, timeout=TIMEOUT_S)
        except httpx.HTTPError as error:
            raise DeployError(f"{self.address} cannot be reached: {error}.") from error
        try:
            fits = {"items", "next_cursor"} <= answer.json().keys()
        except (ValueError, AttributeError):
            fits = False
        if answer.status_code != httpx.codes.OK or not fits:
            raise DeployError(
                f"{self.address} answers, and is not this shop: GET /products was answered {answer.status_code} "
                f"{answer.text[:80]!r}, and not with a page of products."
            )
