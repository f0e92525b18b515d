"""Bulkheads: a module that hangs keeps its own places and no others."""

from __future__ import annotations

import threading

import pytest
from flask import Blueprint, Flask

from monolith import web
from shared.platform.metrics import Metrics
from variants import bulkheads


@pytest.fixture
def stuck() -> threading.Event:
    """Set it, and orders go on."""
    return threading.Event()


@pytest.fixture
def app(stuck: threading.Event) -> Flask:
    """A shop in which orders hang until told otherwise."""
    app = Flask(__name__)
    web.install(app, Metrics())
    bulkheads.install(app, bulkheads.parse("orders:1,catalog:2"))
    orders, catalog = Blueprint("orders", __name__), Blueprint("catalog", __name__)
    entered = app.extensions["entered"] = threading.Event()

    @orders.get("/orders")
    def hang() -> str:
        entered.set()
        stuck.wait(5)
        return "ordered"

    @catalog.get("/products")
    def browse() -> str:
        return "products"

    app.register_blueprint(orders)
    app.register_blueprint(catalog)
    return app


def test_a_full_module_refuses_and_the_others_serve(
    app: Flask, stuck: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulkheads, "WAIT_S", 0.1)
    first = threading.Thread(target=lambda: app.test_client().get("/orders"))
    first.start()
    app.extensions["entered"].wait(5)

    refused, browsed = app.test_client().get("/orders"), app.test_client().get("/products")
    stuck.set()
    first.join()
    afterwards = app.test_client().get("/orders")

    assert (refused.status_code, refused.json["code"]) == (503, "unavailable")  # type: ignore[index]
    assert browsed.status_code == 200
    assert afterwards.status_code == 200


@pytest.mark.parametrize("text", ["orders", "orders:0", "billing:3", "orders:many"])
def test_limits_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="BULKHEADS"):
        bulkheads.parse(text)


def test_a_short_burst_waits_for_a_place_and_is_served(app: Flask, stuck: threading.Event) -> None:
    first = threading.Thread(target=lambda: app.test_client().get("/orders"))
    first.start()
    app.extensions["entered"].wait(5)

    threading.Timer(0.2, stuck.set).start()
    waited = app.test_client().get("/orders")
    first.join()

    assert waited.status_code == 200
