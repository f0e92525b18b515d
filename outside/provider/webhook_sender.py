"""Webhooks: kept in the ledger's file, signed anew at each delivery, and sent again until the shop takes them."""

from __future__ import annotations

import asyncio
import json
import logging
import random
import time
import uuid
from collections import defaultdict
from datetime import UTC, datetime

import aiohttp
from pydantic import BaseModel

from outside.provider.behaviour import WebhookBehaviour
from outside.storage import Storage
from shared.platform import webhook_signature

DELIVERY_TIMEOUT_S = 5.0
FIRST_RETRY_S = 0.5
LAST_RETRY_S = 10.0
UNREACHABLE_PAUSE_S = 1.0
AT_ONCE = 16  # deliveries to one merchant
SHUFFLE_WITHIN_S = 1.0

_SCHEMA = """
CREATE TABLE IF NOT EXISTS webhooks (
    event_id TEXT PRIMARY KEY,
    merchant TEXT NOT NULL,
    body BLOB NOT NULL,
    delivered_at REAL  -- Unix seconds of the first delivery that was answered with 2xx
);
"""
logger = logging.getLogger(__name__)


class WebhookTarget(BaseModel):
    """Where a merchant's webhooks go, and the secret that signs them."""

    url: str
    secret: str


class ProviderEvent(BaseModel):
    """The body of a webhook. `id` stays the same however often it is delivered."""

    id: str
    type: str
    merchant: str
    charge_key: str
    refund_key: str | None = None
    amount: int
    currency: str
    occurred_at: str


def event_of(
    kind: str, merchant: str, charge_key: str, amount: int, currency: str, *, refund_key: str | None = None
) -> ProviderEvent:
    """Return the one event about this outcome: the same outcome always gives the same id."""
    name = f"{merchant}/{charge_key}/{kind}/{refund_key or ''}"
    return ProviderEvent(
        id=f"evt_{uuid.uuid5(uuid.NAMESPACE_URL, name).hex}",
        type=kind,
        merchant=merchant,
        charge_key=charge_key,
        refund_key=refund_key,
        amount=amount,
        currency=currency,
        occurred_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
    )


class WebhookSender:
    """One task for each delivery on its way. A target that cannot be reached is tried once a second, not more."""

    def __init__(self, storage: Storage, targets: dict[str, WebhookTarget]) -> None:
        self._storage = storage
        self._storage.create(_SCHEMA)
        self.targets = targets
        self._chance = random.Random()
        self._slots: dict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(AT_ONCE))
        self._reachable_at: dict[str, float] = defaultdict(float)
        self._away: set[str] = set()
        self._under_way: dict[str, set[asyncio.Task[None]]] = defaultdict(set)
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Open the client, and take up what an earlier process left undelivered."""
        timeout = aiohttp.ClientTimeout(total=DELIVERY_TIMEOUT_S)
        # No connection is kept: a restarted shop must not cost a delivery.
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        self._session = aiohttp.ClientSession(timeout=timeout, connector=connector)
        for event_id, merchant, body in self._storage.read(
            "SELECT event_id, merchant, body FROM webhooks WHERE delivered_at IS NULL"
        ):
            self._dispatch(merchant, event_id, body, FIRST_RETRY_S)

    async def stop(self) -> None:
        """Leave what is under way to the next process."""
        for merchant in list(self._under_way):
            self.drop(merchant)
        if self._session is not None:
            await self._session.close()

    def send(self, event: ProviderEvent, behaviour: WebhookBehaviour, after_s: float) -> None:
        """Deliver an event, unless it is known already, after `after_s` or the behaviour's delay if that is longer."""
        body = json.dumps(event.model_dump(exclude_none=True)).encode()
        new = self._storage.write(
            "INSERT OR IGNORE INTO webhooks VALUES (?, ?, ?, NULL) RETURNING 1", event.id, event.merchant, body
        )
        if new:
            for _ in range(1 + behaviour.duplicates):
                jitter_s = self._chance.uniform(0, SHUFFLE_WITHIN_S) if behaviour.shuffle else 0.0
                delay_s = max(after_s, behaviour.delay_ms / 1000) + jitter_s
                self._dispatch(event.merchant, event.id, body, delay_s)

    def send_again(self, event: ProviderEvent, copies: int) -> None:
        """Deliver an event now, `copies` times, whether or not it was delivered before."""
        body = json.dumps(event.model_dump(exclude_none=True)).encode()
        self._storage.write("INSERT OR IGNORE INTO webhooks VALUES (?, ?, ?, NULL)", event.id, event.merchant, body)
        stored_body = self._storage.read("SELECT body FROM webhooks WHERE event_id = ?", event.id)[0][0]
        for _ in range(copies):
            self._dispatch(event.merchant, event.id, stored_body, 0.0)

    def drop(self, merchant: str) -> None:
        """Call back all deliveries to a merchant that are under way."""
        for task in self._under_way.pop(merchant, set()):
            task.cancel()

    def delete_all(self, merchant: str) -> None:
        """Drop a merchant's deliveries and delete its events."""
        self.drop(merchant)
        self._storage.write("DELETE FROM webhooks WHERE merchant = ?", merchant)

    def _dispatch(self, merchant: str, event_id: str, body: bytes, delay_s: float) -> None:
        task = asyncio.get_running_loop().create_task(self._deliver(merchant, event_id, body, delay_s))
        under_way = self._under_way[merchant]
        under_way.add(task)
        task.add_done_callback(under_way.discard)

    async def _deliver(self, merchant: str, event_id: str, body: bytes, delay_s: float) -> None:
        await self._storage.wait_committed()
        await asyncio.sleep(delay_s)
        retry_s = FIRST_RETRY_S
        while not await self._try_once(merchant, body):
            await asyncio.sleep(retry_s * self._chance.uniform(0.8, 1.2))
            retry_s = min(retry_s * 2, LAST_RETRY_S)
        self._storage.write(
            "UPDATE webhooks SET delivered_at = ? WHERE event_id = ? AND delivered_at IS NULL",
            time.time(),
            event_id,
        )

    async def _try_once(self, merchant: str, body: bytes) -> bool:
        """Return whether the shop answered 2xx. Waits for a slot, and while the target is known to be away."""
        async with self._slots[merchant]:
            await asyncio.sleep(self._reachable_at[merchant] - time.monotonic())  # at once if it is past
            target = self.targets.get(merchant)
            if target is None or self._session is None:
                return False
            signature = webhook_signature.sign(target.secret, body, int(time.time()))
            headers = {"Content-Type": "application/json", webhook_signature.HEADER: signature}
            try:
                async with self._session.post(target.url, data=body, headers=headers, allow_redirects=False) as answer:
                    self._away.discard(merchant)
                    return 200 <= answer.status < 300
            except (aiohttp.ClientError, TimeoutError, ValueError) as error:
                self._reachable_at[merchant] = time.monotonic() + UNREACHABLE_PAUSE_S
                if merchant not in self._away:  # once, not with every try
                    self._away.add(merchant)
                    logger.warning("webhooks of %s wait: %s", merchant, str(error) or type(error).__name__)
                return False
