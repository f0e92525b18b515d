"""Asks the broker which events are on their way: published, and not yet handled by everybody who wants them."""

from __future__ import annotations

from typing import Any

import httpx

ASK_TIMEOUT_S = 2.0


def events_on_their_way(broker_monitor: str | None) -> int:
    """Return how many deliveries the broker still owes its consumers, or has no acknowledgement of.

    No database knows of them: the sender has ticked them off, and the receiver has not seen them. After a
    kill of the broker a consumer may take seconds to ask again. 1 if the broker does not answer; 0 without one.
    A consumer that the broker is to forget is owed nothing while nobody reads for it: its part is no more in this shop.
    """
    if broker_monitor is None:
        return 0
    try:
        answer = httpx.get(
            f"{broker_monitor}/jsz", params={"consumers": "true", "config": "true"}, timeout=ASK_TIMEOUT_S
        )
        backlog = answer.raise_for_status().json()
    except (httpx.HTTPError, ValueError):
        return 1
    consumers = [
        consumer
        for account in backlog.get("account_details") or ()
        for stream in account.get("stream_detail") or ()
        for consumer in stream.get("consumer_detail") or ()
    ]
    return sum(one["num_pending"] + one["num_ack_pending"] for one in consumers if not _is_abandoned(one))


def _is_abandoned(consumer: dict[str, Any]) -> bool:
    return bool(consumer["config"].get("inactive_threshold")) and not consumer["num_waiting"]
