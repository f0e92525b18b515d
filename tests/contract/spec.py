"""The OpenAPI file, read once, and the routes each build serves, without starting anything."""

from __future__ import annotations

import importlib
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

import variants
from shared import contract

FILE = Path(contract.__file__).with_name("openapi.yaml")
VARIANTS = {path.parent.name: path for path in Path(variants.__file__).parent.glob("*/openapi.yaml")}
SERVICES = {
    "catalog": "CatalogSettings",
    "orders": "OrdersSettings",
    "payments": "PaymentsSettings",
    "notifications": "NotificationsSettings",
}
OPERATORS = {"/healthz", "/readyz", "/metrics"}  # of one part, on its own port; the edge does not route them
PAGES = {"/", "/docs", "/storefront/{}"}  # the storefront, which is a customer of the API, and the API's own page
METHODS = {"GET", "PUT", "POST", "PATCH", "DELETE"}

NOBODYS: dict[str, Any] = {"twinshop_mode": "local", "database_url": "postgresql://nobody@127.0.0.1:1/nothing"}

Route = tuple[str, str]  # method, path with `{}` for each parameter


@cache
def spec() -> dict[str, Any]:
    """Return the parsed file."""
    parsed: dict[str, Any] = yaml.safe_load(FILE.read_text("utf-8"))
    return parsed


@cache
def spec_of(variant: str) -> dict[str, Any]:
    """Return the parsed file of what a variant answers beside the shop."""
    parsed: dict[str, Any] = yaml.safe_load(VARIANTS[variant].read_text("utf-8"))
    return parsed


def operations(variant: str = "") -> dict[Route, dict[str, Any]]:
    """Return every operation of the file, or of a variant's, by its route."""
    return {
        (method.upper(), shape(path)): operation
        for path, item in (spec_of(variant) if variant else spec())["paths"].items()
        for method, operation in item.items()
        if method.upper() in METHODS
    }


def shape(path: str) -> str:
    """Return the path without the names of its parameters: `{id}`, `{order_id}` and `<order_id>` are the same."""
    return re.sub(r"[{<][^}>]+[}>]", "{}", path)


def public(routes: set[Route]) -> set[Route]:
    """Return the routes that the edge lets through and that are no pages of the storefront."""
    return {
        (method, path)
        for method, path in routes
        if path not in OPERATORS and not path.startswith("/internal/") and path not in PAGES
    }


def routes_of_service(name: str, keys: Path) -> set[Route]:
    """Return what one FastAPI service serves; `keys` is a folder for the keys that its settings name."""
    settings = getattr(importlib.import_module(f"microservices.{name}.config"), SERVICES[name])
    values = {key: value for key, value in service_settings(keys).items() if key in settings.model_fields}
    return routes_of_fastapi(importlib.import_module(f"microservices.{name}.app").create_app(settings(**values)))


def routes_of_fastapi(app: Any) -> set[Route]:
    """Return what a FastAPI application serves."""
    return {
        (method, shape(route.path))
        for included in app.routes
        for route in getattr(included, "original_router", app).routes  # FastAPI keeps routers as they were included
        for method in (getattr(route, "methods", None) or ())
        if method in METHODS
    }


def routes_of_monolith() -> set[Route]:
    """Return what the Flask application serves."""
    from monolith.app import create_app  # noqa: PLC0415
    from monolith.config import Settings  # noqa: PLC0415

    return routes_of_flask(create_app(Settings(**NOBODYS)))


def routes_of_flask(app: Any) -> set[Route]:
    """Return what a Flask application serves."""
    return {
        (method, shape(rule.rule))
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
        if method in METHODS
    }


def service_settings(keys: Path) -> dict[str, Any]:
    """Return settings with which any service can be made, and which reach nobody."""
    from joserfc.jwk import OKPKey  # noqa: PLC0415

    private, public_keys = keys / "private.jwk", keys / "public.json"
    if not private.exists():
        private.write_text(json.dumps(OKPKey.generate_key("Ed25519").as_dict(private=True)), "ascii")
        public_keys.write_text("{}", "ascii")
    return {
        **NOBODYS,
        "provider_url": "http://127.0.0.1:1",
        "provider_merchant": "test",
        "provider_api_key": "test",
        "webhook_secret": "test",
        "service_private_key": str(private),
        "service_public_keys": str(public_keys),
    }
