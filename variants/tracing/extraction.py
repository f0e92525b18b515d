"""What has a span in a monolith whose modules can be extracted, beside all that others have: its calls of services."""

from __future__ import annotations

import functools
from collections.abc import Callable

import httpx

from migration.inside_monolith.catalog import CatalogClient
from migration.inside_monolith.payments import PaymentsClient
from migration.inside_monolith.peers import Peer
from variants.tracing.calls import begin_call, set_status
from variants.tracing.recording import active
from variants.tracing.replacing import replace
from variants.tracing.steps import Steps


def watch() -> None:
    """Put spans around them, called as the services call theirs."""
    replace(Peer.post, _calling(Peer.post))

    catalog = Steps("monolith", part="orders", title="catalog")
    catalog.call(CatalogClient.reserve, lambda self, order_id, lines, expected_total: order_id)

    payments = Steps("monolith", part="orders", title="payments")
    payments.call(PaymentsClient.charge, lambda self, charge: charge.order_id)
    payments.call(PaymentsClient.void, lambda self, order_id: order_id)
    payments.call(PaymentsClient.refund_remaining, lambda self, order_id: order_id)


def _calling(call: Callable[[Peer, str, bytes], httpx.Response]) -> Callable[[Peer, str, bytes], httpx.Response]:
    @functools.wraps(call)
    def calling(peer: Peer, path: str, body: bytes = b"") -> httpx.Response:
        now = active()
        if now is None:
            return call(peer, path, body)
        with now.recorder.at_hand(begin_call(now, "POST", peer.name, path)) as span:
            answer = call(peer, path, body)
            set_status(span, answer)
            return answer

    return calling
