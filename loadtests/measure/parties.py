"""Where the parties of a stack are found: its databases, its public address, the outside world."""

from __future__ import annotations

from dataclasses import dataclass

from deploy.model.parts import Part
from deploy.runner.interface import Runner


@dataclass(frozen=True)
class Parties:
    """Addresses of everybody who knows something about a stack's orders. URLs carry no trailing slash.

    Of a shop that somebody else runs only `shop` is known, and in `identity` where tokens are from.
    """

    stack: str
    merchant: str
    mail_domain: str
    shop: str
    databases: tuple[str, ...]
    provider: str
    identity: str
    mail: str
    broker_monitor: str | None

    @classmethod
    def of(cls, runner: Runner) -> Parties:
        """Return the parties of a stack that runs as local processes."""
        stack, site = runner.stack, runner.site
        has_broker = any(part.kind == "nats" for part in stack.parts)
        return cls(
            stack=stack.name,
            merchant=stack.merchant,
            mail_domain=stack.mail_domain,
            shop=runner.address,
            databases=tuple(sorted({url for part in stack.parts for url in _database_urls(part)})),
            provider=site.url("outside", "provider"),
            identity=site.url("outside", "identity"),
            mail=site.url("outside", "mail"),
            broker_monitor=site.url(stack.name, "broker", "monitor") if has_broker else None,
        )

    @classmethod
    def elsewhere(cls, shop: str, tokens_from: str) -> Parties:
        """Return the parties of a shop that somebody else runs."""
        return cls("elsewhere", "", "", shop, (), "", tokens_from, "", None)

    @property
    def are_public(self) -> bool:
        """Whether only the public API of the shop is known."""
        return not self.databases


def _database_urls(part: Part) -> list[str]:
    return [value for name, value in part.environment.items() if name.endswith("DATABASE_URL")]
