"""`python -m variants.recommendations.service`: recommendations as a service of their own, with a database of baskets.

It hears of orders by their events, and asks the catalog what it sells when it trains. Nobody calls it but customers.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar

import anyio
import anyio.to_thread
import httpx
from fastapi import APIRouter, FastAPI, Request, Response
from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from microservices.kit.database import Database
from microservices.kit.inbox import CREATE_INBOX
from microservices.kit.peers import Peer
from microservices.kit.runtime import ServiceRuntime
from microservices.kit.serving import run
from microservices.kit.settings import ServiceSettings
from microservices.kit.web import service_of
from shared.contract.answers import Answer
from shared.contract.events import OrderEvent
from shared.domain.errors import Unanswered, Unavailable
from shared.domain.ids import known_sku
from variants.recommendations.answering import PATH, Recommender
from variants.recommendations.learning import Learner
from variants.recommendations.settings import RecommendationSettings
from variants.recommendations.shelf import Shelf
from variants.recommendations.training import Basket, Product

# A shop that is started without recommendations again must not keep events for them for ever.
FORGOTTEN_AFTER_S = 600.0
NAME = "recommendations"
EVENT_TYPES = ("order.confirmed", "order.cancelled")
PAGE = 100  # products; as many as the catalog gives at a time

# An event that comes late changes nothing: the version of the order decides.
TABLES = (
    CREATE_INBOX.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS"),
    "CREATE INDEX IF NOT EXISTS inbox_by_age ON inbox (received_at)",
    "CREATE TABLE IF NOT EXISTS baskets "
    "(order_id uuid PRIMARY KEY, version integer NOT NULL, is_confirmed boolean NOT NULL, skus jsonb NOT NULL)",
    # What every database of a shop tells whoever checks the books: here an event is handled at once, or not at all.
    "CREATE OR REPLACE VIEW v_unfinished AS "
    "SELECT 'basket' AS kind, order_id::text AS id, '' AS state, 0.0::float AS age_s FROM baskets WHERE false",
)
_KEEP = text(
    "INSERT INTO baskets VALUES (CAST(:order_id AS uuid), :version, :is_confirmed, :skus) ON CONFLICT (order_id) "
    "DO UPDATE SET version = excluded.version, is_confirmed = excluded.is_confirmed "
    "WHERE baskets.version < excluded.version"
).bindparams(bindparam("skus", type_=JSONB))
_COUNT = text("SELECT count(*) AS orders FROM baskets WHERE is_confirmed")
_BASKETS = text("SELECT skus FROM baskets WHERE is_confirmed")

router = APIRouter()


class ServiceOfRecommendationsSettings(ServiceSettings, RecommendationSettings):
    """The common ones, those of recommendations, and where the catalog is."""

    REQUIRED: ClassVar[tuple[str, ...]] = ("catalog_url",)
    LOCAL_DEFAULTS: ClassVar[dict[str, str]] = {"catalog_url": "http://127.0.0.1:8002"}

    catalog_url: str = ""
    migrate_on_start: bool = False  # it makes its tables itself: see TABLES


class Recommendations:
    """What the routes, the consumer and the loop of the service do."""

    def __init__(self, database: Database, catalog: Peer, settings: RecommendationSettings) -> None:
        shelf = Shelf(settings.models)
        self.database, self._catalog = database, catalog
        self._recommender, self._learner = Recommender(shelf), Learner(shelf, settings)
        self._threads = anyio.CapacityLimiter(settings.inference_threads)
        self._within_s = settings.recommend_within_ms / 1000

    async def recommend(self, sku: str) -> Answer:
        """Infer once a thread may, or say the bestsellers if that takes too long. Raises NotFound, Unavailable."""
        try:
            async with asyncio.timeout(self._within_s):
                await self._threads.acquire()
        except TimeoutError:
            return self._recommender.popular(sku)
        try:
            return await asyncio.to_thread(self._recommender.infer, sku)
        finally:
            self._threads.release()

    async def on_order_events(self, connection: AsyncConnection, events: Sequence[OrderEvent]) -> None:
        """Keep what lay in the basket, or that it was brought back. The handler of the inbox."""
        await connection.execute(
            _KEEP,
            [
                {
                    "order_id": event.order_id,
                    "version": event.version,
                    "is_confirmed": event.type == "order.confirmed",
                    "skus": [line.sku for line in event.lines],
                }
                for event in events
            ],
        )

    async def look(self) -> bool:
        """Train if that is due, and take the newest model. Raises Unavailable, OSError."""
        (counted,) = await self.database.read(_COUNT)
        categories = (await self._ask("/categories"))["items"]
        if self._learner.is_due(counted.orders, sum(one["product_count"] for one in categories)):
            products, baskets = await self._products(), await self._baskets()
            await asyncio.to_thread(self._learner.learn, lambda: (products, baskets))
        await asyncio.to_thread(self._recommender.refresh)
        return False

    async def _baskets(self) -> list[Basket]:
        async with self.database.patient() as database:
            return [row.skus for row in await database.read(_BASKETS)]

    async def _products(self) -> list[Product]:
        products: list[Product] = []
        cursor = ""
        while True:
            page = await self._ask(f"/products?limit={PAGE}{cursor and f'&cursor={cursor}'}")
            products += [Product(one["sku"], one["name"], one["description"], one["category"]) for one in page["items"]]
            if page["next_cursor"] is None:
                return products
            cursor = page["next_cursor"]

    async def _ask(self, path: str) -> dict[str, Any]:
        try:
            answer: httpx.Response = await self._catalog.call("GET", path, b"")
        except Unanswered as error:
            raise Unavailable("The catalog does not answer.") from error
        if answer.status_code != 200:
            raise Unavailable(f"The catalog answers {answer.status_code} to {path}.")
        body: dict[str, Any] = json.loads(answer.content)
        return body


@router.get(PATH)
async def recommend(request: Request, sku: str) -> Response:
    """What goes with a product, for anyone."""
    service: Recommendations = service_of(request)
    answer = await service.recommend(known_sku(sku))
    return Response(answer.body, answer.status, answer.headers, answer.media_type)


async def make_tables(database: Database) -> None:
    """Make the tables that are not there yet."""
    for statement in TABLES:
        await database.write(text(statement))


def create_app(settings: ServiceOfRecommendationsSettings, runtime: ServiceRuntime | None = None) -> FastAPI:
    """Return the app; it connects when it starts."""
    runtime = runtime or ServiceRuntime(NAME, settings)
    runtime.on_start(partial(make_tables, runtime.database))
    service = Recommendations(runtime.database, runtime.service_peer("catalog", settings.catalog_url), settings)
    wake = runtime.repeats("look for models", service.look, settings.look_every_s)
    runtime.consumes(
        NAME, EVENT_TYPES, OrderEvent, service.on_order_events, wakes=wake, forgotten_after_s=FORGOTTEN_AFTER_S
    )
    return runtime.app([router], service)


main = partial(run, NAME, ServiceOfRecommendationsSettings, create_app)

if __name__ == "__main__":
    main()
