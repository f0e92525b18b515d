"""`python -m variants.recommendations.monolith`: the monolith with a fifth module in its one process.

It reads the tables of the other modules, trains in a thread beside the requests, and infers in the request's own.
"""

from __future__ import annotations

import dataclasses
import threading

from flask import Blueprint, Flask, Response
from sqlalchemy import text

from monolith import app as monolith
from monolith.config import Settings
from monolith.database import Database
from monolith.modules import Connections, Modules, build_modules, connect
from monolith.server import serve
from monolith.storefront import blueprint as pages_of
from monolith.web import send
from monolith.worker import Loop
from shared.contract.answers import Answer
from shared.domain.ids import known_sku
from variants.recommendations.answering import Recommender
from variants.recommendations.learning import Learner
from variants.recommendations.pages import StorefrontWithStrip
from variants.recommendations.settings import RecommendationSettings
from variants.recommendations.shelf import Shelf
from variants.recommendations.training import Basket, Product

EXTENSION = "recommendations"
_COUNTS = text(
    "SELECT (SELECT count(*) FROM orders WHERE status = 'confirmed') AS orders, "
    "(SELECT coalesce(sum(product_count), 0)::bigint FROM categories) AS products"
)
_PRODUCTS = text("SELECT sku, name, description, category FROM products")
_BASKETS = text("SELECT jsonb_path_query_array(lines, '$[*].sku') AS skus FROM orders WHERE status = 'confirmed'")


class RecommendingSettings(Settings, RecommendationSettings):
    """Those of the monolith, and of recommendations."""


class Recommendations:
    """The module's facade."""

    def __init__(self, database: Database, settings: RecommendingSettings) -> None:
        shelf = Shelf(settings.models)
        self._database = database
        self._recommender, self._learner = Recommender(shelf), Learner(shelf, settings)
        self._threads = threading.Semaphore(settings.inference_threads)
        self._within_s = settings.recommend_within_ms / 1000

    def recommend(self, sku: str) -> Answer:
        """Infer once a thread may, or say the bestsellers if that takes too long. Raises NotFound, Unavailable."""
        if not self._threads.acquire(timeout=self._within_s):
            return self._recommender.popular(sku)
        try:
            return self._recommender.infer(sku)
        finally:
            self._threads.release()

    def look(self) -> bool:
        """Train if that is due, and take the newest model. Raises Unavailable, OSError."""
        (counted,) = self._database.fetch_all(_COUNTS)
        if self._learner.is_due(counted.orders, counted.products):
            self._learner.learn(self._load)
        self._recommender.refresh()
        return False

    def _load(self) -> tuple[list[Product], list[Basket]]:
        products = [
            Product(row.sku, row.name, row.description, row.category) for row in self._database.fetch_all(_PRODUCTS)
        ]
        return products, [row.skus for row in self._database.fetch_all(_BASKETS)]


def blueprint_of(recommendations: Recommendations) -> Blueprint:
    """Return the route."""
    blueprint = Blueprint(EXTENSION, __name__)

    @blueprint.get("/products/<sku>/recommendations")
    def recommend(sku: str) -> Response:
        return send(recommendations.recommend(known_sku(sku)))

    return blueprint


def build(settings: RecommendingSettings, connections: Connections) -> tuple[Modules, Recommendations]:
    """Return the monolith's modules with the thread of the fifth among theirs, and the fifth."""
    modules = build_modules(settings, connections)
    recommendations = Recommendations(connections.database, settings)
    loop = Loop(EXTENSION, [recommendations.look], sweep_interval_s=settings.look_every_s)
    return dataclasses.replace(modules, background=(*modules.background, loop)), recommendations


def install(app: Flask, recommendations: Recommendations, settings: Settings) -> None:
    """Give the app one more route, and its product pages a strip."""
    app.register_blueprint(blueprint_of(recommendations))
    pages = Flask(__name__, static_folder=None)
    pages.register_blueprint(pages_of(StorefrontWithStrip(build="monolith", identity_url=settings.token_issuer)))
    app.view_functions |= {name: view for name, view in pages.view_functions.items() if name in app.view_functions}


def create_app(settings: RecommendingSettings) -> Flask:
    """Return the monolith's application with the fifth module."""
    modules, recommendations = build(settings, connect(settings))
    app = monolith.create_app(settings, modules)
    install(app, recommendations, settings)
    return app


if __name__ == "__main__":
    serve(RecommendingSettings, create_app, monolith.prepare)
