"""The payment provider's API. What is not a clear answer is 'unknown': a timeout is not a decline."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import httpx

from shared.domain.money import Money
from shared.domain.payment import PaymentStatus
from shared.platform.metrics import Metrics

log = logging.getLogger(__name__)


class ProviderUnknown(Exception):
    """No clear answer: it may have happened. Sending the same key again is safe and tells."""


class ProviderNotReached(ProviderUnknown):
    """The connection was refused: nothing has happened."""


class ProviderRefused(Exception):
    """The provider says no, for good (409)."""


@dataclass(frozen=True)
class ChargeAnswer:
    """What became of a charge: captured, declined or voided."""

    status: PaymentStatus
    reason: str | None


class Provider:
    """One transport a process; its connections are kept and shared between threads."""

    def __init__(
        self, transport: httpx.BaseTransport, base_url: str, merchant: str, api_key: str, metrics: Metrics
    ) -> None:
        self._transport = transport
        self._charges = httpx.URL(f"{base_url.rstrip('/')}/v1/{merchant}/charges")
        self._headers = {"Authorization": f"Bearer {api_key}"}
        self._calls = metrics.calls

    def charge(self, key: str, amount: Money, payment_method: str) -> ChargeAnswer:
        """Charge once for this key. Raises ProviderNotReached, ProviderUnknown."""
        body = {"key": key, "amount": amount.amount, "currency": amount.currency, "payment_method": payment_method}
        return _charge_answer(self._post(self._charges, body))

    def void(self, key: str) -> ChargeAnswer:
        """Call a charge off, also one that has not arrived yet. Raises ProviderNotReached, ProviderUnknown."""
        return _charge_answer(self._post(self._of(key, "void"), {}))

    def refund(self, key: str, refund_key: str, amount: int) -> None:
        """Give `amount` (minor units) back, once for this refund key.

        Raises ProviderNotReached, ProviderUnknown, ProviderRefused.
        """
        self._post(self._of(key, "refunds"), {"refund_key": refund_key, "amount": amount})

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def _of(self, key: str, what: str) -> httpx.URL:
        return httpx.URL(f"{self._charges}/{key}/{what}")

    def _post(self, url: httpx.URL, body: dict[str, Any]) -> dict[str, Any]:
        try:
            # Not through httpx's client: cookies, redirects and authentication flows, none of which the provider has,
            # take as much CPU as the call itself.
            request = httpx.Request("POST", url, json=body, headers=self._headers)
            answer = self._transport.handle_request(request)
            answer.read()
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            self._calls.labels("provider", "not_reached").inc()
            raise ProviderNotReached(str(error)) from error
        except httpx.HTTPError as error:
            self._calls.labels("provider", "unknown").inc()
            raise ProviderUnknown(str(error)) from error
        self._calls.labels("provider", str(answer.status_code)).inc()
        if answer.status_code == httpx.codes.CONFLICT:
            raise ProviderRefused(answer.text)
        if answer.status_code != httpx.codes.OK:
            log.warning("provider answered %d to %s", answer.status_code, url.path)
            raise ProviderUnknown(f"HTTP {answer.status_code}")
        try:
            document: dict[str, Any] = answer.json()
        except ValueError as error:
            raise ProviderUnknown("not JSON") from error
        return document


def _charge_answer(document: dict[str, Any]) -> ChargeAnswer:
    try:
        return ChargeAnswer(PaymentStatus(document["status"]), document.get("reason"))
    except (KeyError, TypeError, ValueError) as error:
        raise ProviderUnknown("an answer we do not understand") from error
