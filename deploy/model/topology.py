"""Which parts each stack consists of: command, ports, settings, what it needs, how to tell it is ready."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from deploy.model import broker_users, infrastructure
from deploy.model.errors import DeployError, UnknownTarget
from deploy.model.extras import ORDER_POOL, RECOMMENDATIONS
from deploy.model.parts import WEB_ORDERS, Part, Probe, Reset, Site, Stack

NODE_MAIN = "variants/notifications_node/dist/main.js"  # built by deploy/runner/node.py
THIS = "deploy.model.topology:stack"
SHOPS = ("monolith", "microservices", "colocated")
STACKS = ("outside", *SHOPS)
SERVICES = ("catalog", "orders", "payments", "notifications")
CALLER = "orders"  # the only service that calls others
INNER = ("catalog", "payments", "notifications")  # whom others call, through the inner listeners of the edge

# The monolith's one pool equals the four services' pools in sum (section 5 of the design).
MONOLITH_POOL = 16
SERVICE_POOL = 4

READY = Probe("http", "http", "/readyz")

MONOLITH_VARIANTS = {
    "bulkheads": ("python", "-m", "variants.bulkheads"),
    "direct_notification": ("python", "-m", "variants.direct_notification.monolith"),
    "fastapi": ("python", "-m", "variants.fastapi_monolith"),
    "uncounted": ("python", "-m", "variants.uncounted.monolith"),
}


def build(topology: str, name: str, site: Site) -> Stack:
    """Return what `topology`, such as `deploy.model.topology:stack`, makes of this name: tests have their own."""
    module, _, function = topology.partition(":")
    result = getattr(importlib.import_module(module), function)(name, site)
    assert isinstance(result, Stack)
    return result


def stack(name: str, site: Site) -> Stack:
    """Return the stack `name` as it would run at `site`. Raises UnknownTarget."""
    builders: dict[str, Callable[[Site], Stack]] = {
        "outside": outside,
        "monolith": monolith,
        "microservices": microservices,
        "colocated": colocated,
    }
    if name not in builders:
        raise UnknownTarget(f"There is no stack '{name}'; there are {', '.join(builders)}.")
    return builders[name](site)


def outside(site: Site) -> Stack:
    """Return the outside world: the same for all shops, and no part of any of them."""
    webhooks = {
        shop: {"url": f"{site.url(shop, 'edge')}/webhooks/payments", "secret": site.secrets.of(f"webhook/{shop}")}
        for shop in SHOPS
    }
    extra = {
        "provider": {"WEBHOOKS": json.dumps(webhooks)},
        "identity": {
            "TOKEN_ISSUER": site.public_url("outside", "identity"),
            "SHOP_ADDRESSES": ",".join(site.public_url(shop, "edge") for shop in SHOPS),
        },
        "mail": {"SMTP_PORT": str(site.ports("outside", "mail")["smtp"])},
    }
    return Stack(
        "outside",
        tuple(
            Part(
                name=name,
                kind="app",
                command=("python", "-m", f"outside.{name}"),
                ports=site.ports("outside", name),
                probe=READY,
                environment={
                    "TWINSHOP_MODE": site.mode,
                    "DATA_DIR": site.data_of("outside", name),
                    **extra[name],
                },
            )
            for name in ("provider", "identity", "mail")
        ),
    )


def monolith(site: Site) -> Stack:
    """Return the monolith: one application, one database, the edge; and the services extracted from it."""
    name, extraction = "monolith", site.extraction
    recommends = RECOMMENDATIONS in site.extras
    if site.extras and extraction.running:
        raise DeployError(f"A monolith whose modules are on their way out has no {' and no '.join(site.extras)}.")
    module = "variants.recommendations.monolith" if recommends else "monolith.app"
    web = Part(
        name="web",
        kind="app",
        command=("python", "-m", "migration.inside_monolith" if extraction.running else module),
        ports=site.ports(name, "web"),
        probe=READY,
        environment=_common(site)
        | _payment_settings(site, name)
        | _mail_settings(site, name)
        | {"DATABASE_URL": _database_url(site, name, "db", "monolith"), "DB_POOL_SIZE": str(MONOLITH_POOL)}
        | (_extraction_settings(site, name) if extraction.running else {})
        | (_recommendation_settings(site, name) if recommends else {}),
        needs=("db",),
        scalable=True,
        variants={} if extraction.running or recommends else MONOLITH_VARIANTS,
    )
    database = infrastructure.database(site, name, "db", "monolith", MONOLITH_POOL, len(SERVICES))
    whole: tuple[Part, ...] = (database, web)
    if ORDER_POOL in site.extras:  # the same program twice: the edge sends orders to the one, all else to the other
        half = {"DB_POOL_SIZE": str(MONOLITH_POOL // 2)}  # as many connections as without
        pools = (replace(web, name=part, ports=site.ports(name, part)) for part in ("web", WEB_ORDERS))
        whole = (database, *(replace(pool, environment={**web.environment, **half}) for pool in pools))
    reset = "migration.inside_monolith.reset" if extraction.running else "monolith.reset"
    resets = (Reset(("python", "-m", reset), web.environment, seeds=True),)
    if not extraction.running:
        parts = (*whole, infrastructure.edge(site, name))
        return Stack(name, parts, merchant=name, mail_domain=_mail_domain(name), resets=resets)
    services = _services(site, name, extraction.running)
    inside = whole if extraction.is_monolith_left else ()
    edge = infrastructure.edge(site, name, extraction.running)
    return _services_shop(
        site,
        name,
        (*inside, *_databases(site, name, extraction.running), infrastructure.broker(site, name), *services, edge),
        {service.name: service.environment for service in services},
        resets=resets if inside else (),
        extracted=extraction.extracted,
    )


def microservices(site: Site) -> Stack:
    """Return the four services: each with a database server of its own, the broker, the edge."""
    name = "microservices"
    services = _services(site, name, SERVICES)
    if RECOMMENDATIONS in site.extras:
        services = (*services, _recommendations(site, name))
    return _services_shop(
        site,
        name,
        (
            *_databases(site, name, [part.name for part in services]),
            infrastructure.broker(site, name),
            *services,
            infrastructure.edge(site, name, INNER),
        ),
        {part.name: part.environment for part in services},
    )


def _services(site: Site, name: str, members: Sequence[str]) -> tuple[Part, ...]:
    """Return services as parts of the stack `name`. Calls between them go through its Envoy too."""
    own: dict[str, dict[str, str]] = {
        "catalog": {"STOREFRONT_BADGE": name} if name != "microservices" else {},
        "orders": {f"{service.upper()}_URL": site.url(name, "edge", service) for service in INNER},
        "payments": _payment_settings(site, name),
        "notifications": _mail_settings(site, name),
    }
    return tuple(
        Part(
            name=service,
            kind="app",
            command=_command(site, service),
            ports=site.ports(name, service),
            probe=READY,
            environment=_common(site)
            | own[service]
            | {
                "DATABASE_URL": _database_url(site, name, f"{service}-db", service),
                "DB_POOL_SIZE": str(SERVICE_POOL),
                "NATS_URL": _broker_url(site, name, service),
            }
            | _service_keys(site, service),
            needs=(f"{service}-db", "broker"),
            scalable=True,
            variants=_variants(service),
        )
        for service in members
    )


def _service_keys(site: Site, service: str) -> dict[str, str]:
    """Return the key by which a service signs its calls, or those by which it checks whose call it is."""
    if service == CALLER:
        return {"SERVICE_PRIVATE_KEY": f"{site.keys}/{service}.jwk"}
    return {"SERVICE_PUBLIC_KEYS": f"{site.keys}/service-public-keys.json"}


def _recommendations(site: Site, name: str) -> Part:
    """Return the fifth service. It asks the catalog as a customer does, by the public routes."""
    return Part(
        name=RECOMMENDATIONS,
        kind="app",
        command=("python", "-m", "variants.recommendations.service"),
        ports=site.ports(name, RECOMMENDATIONS),
        probe=READY,
        environment=_common(site)
        | _recommendation_settings(site, name)
        | {
            "DATABASE_URL": _database_url(site, name, f"{RECOMMENDATIONS}-db", RECOMMENDATIONS),
            "DB_POOL_SIZE": str(SERVICE_POOL),
            "NATS_URL": _broker_url(site, name, RECOMMENDATIONS),
            "CATALOG_URL": site.url(name, "edge"),
        },
        needs=(f"{RECOMMENDATIONS}-db", "broker"),
        scalable=True,
    )


def _recommendation_settings(site: Site, name: str) -> dict[str, str]:
    """A new shop has a past that is made up: there would be nothing to recommend. An inference keeps to one thread."""
    return {
        "MODEL_DIR": site.data_of(name, RECOMMENDATIONS),
        "HISTORY_ORDERS": "12000",
        "OPENBLAS_NUM_THREADS": "1",
    }


def _command(site: Site, service: str) -> tuple[str, ...]:
    """Every service is free to choose its technology; one of them is there in two."""
    if service == "catalog" and RECOMMENDATIONS in site.extras:  # its pages show them
        return ("python", "-m", "variants.recommendations.catalog")
    if service == "notifications" and site.notifications_in_node:
        return ("node", NODE_MAIN)
    return ("python", "-m", f"microservices.{service}.app")


def _variants(service: str) -> dict[str, tuple[str, ...]]:
    """Return what an experiment runs in a service's place, by name: see variants/."""

    def of_any(name: str) -> tuple[str, ...]:
        return ("python", "-m", f"variants.{name}", service)

    variants = {name: of_any(name) for name in ("no_tokens", "plain_httpx", "uncounted")}
    if service in ("orders", "payments"):
        variants["retries"] = of_any("retries")
    if service == "orders":
        variants["resilience_off"] = ("python", "-m", "variants.resilience_off")
    if service != "payments":
        variants["direct_notification"] = ("python", "-m", f"variants.direct_notification.{service}")
    if service == "notifications":
        variants["notifications_node"] = ("node", NODE_MAIN)
    return variants


def _databases(site: Site, name: str, members: Sequence[str]) -> tuple[Part, ...]:
    return tuple(infrastructure.database(site, name, f"{service}-db", service, SERVICE_POOL) for service in members)


def _extraction_settings(site: Site, name: str) -> dict[str, str]:
    """Return what a monolith needs whose modules can be extracted: it speaks to them as the service `orders` does."""
    services = {f"{service.upper()}_URL": site.url(name, "edge", service) for service in SERVICES}
    return {"NATS_URL": _broker_url(site, name, CALLER), **_service_keys(site, CALLER), **services}


def colocated(site: Site) -> Stack:
    """Return the same four services in one process: network and process boundaries taken away, nothing else."""
    name = "colocated"
    settings = _common(site) | _payment_settings(site, name) | _mail_settings(site, name) | {"STOREFRONT_BADGE": name}
    for service in SERVICES:
        settings[f"{service.upper()}_DATABASE_URL"] = _database_url(site, name, f"{service}-db", service)
        keys = {"NATS_URL": _broker_url(site, name, service)} | _service_keys(site, service)
        settings |= {f"{service.upper()}_{setting}": value for setting, value in keys.items()}
    for service in INNER:  # bound to the ASGI transport inside the process; the address only names the callee
        settings[f"{service.upper()}_URL"] = f"http://{service}.colocated"
    settings["DB_POOL_SIZE"] = str(SERVICE_POOL)
    databases = tuple(
        infrastructure.database(site, name, f"{service}-db", service, SERVICE_POOL) for service in SERVICES
    )
    app = Part(
        name="app",
        kind="app",
        command=("python", "-m", "variants.colocated"),
        ports=site.ports(name, "app"),
        probe=READY,
        environment=settings,
        needs=(*(database.name for database in databases), "broker"),
    )
    own = {
        service: settings | {name: settings[f"{service.upper()}_{name}"] for name in ("DATABASE_URL", "NATS_URL")}
        for service in SERVICES
    }
    return _services_shop(
        site, name, (*databases, infrastructure.broker(site, name), app, infrastructure.edge(site, name)), own
    )


def _services_shop(
    site: Site,
    name: str,
    parts: tuple[Part, ...],
    own: Mapping[str, Mapping[str, str]],
    *,
    resets: tuple[Reset, ...] = (),
    extracted: tuple[str, ...] = (),
) -> Stack:
    """A stack of services; `own` are the settings of each service, with which its data is reset, after `resets`."""
    for service in SERVICES:
        if service in own:
            seeds = service == "catalog"
            module = ("microservices.catalog.reset",) if seeds else ("microservices.kit.reset", service)
            resets += (Reset(("python", "-m", *module), own[service], seeds=seeds),)
    if RECOMMENDATIONS in own:
        resets += (Reset(("python", "-m", "variants.recommendations.reset"), own[RECOMMENDATIONS], seeds=False),)
    return Stack(
        name,
        parts,
        merchant=name,
        mail_domain=_mail_domain(name),
        resets=resets,
        broker_url=_broker_url(site, name),
        extracted=extracted,
    )


def _common(site: Site) -> dict[str, str]:
    return {
        "TWINSHOP_MODE": site.mode,
        "JWKS_URL": f"{site.url('outside', 'identity')}/jwks.json",
        "TOKEN_ISSUER": site.public_url("outside", "identity"),
        "TOKEN_AUDIENCE": "twinshop",
    }


def _payment_settings(site: Site, shop: str) -> dict[str, str]:
    return {
        "PROVIDER_URL": site.url("outside", "provider"),
        "PROVIDER_MERCHANT": shop,
        "PROVIDER_API_KEY": f"key-{shop}",
        "WEBHOOK_SECRET": site.secrets.of(f"webhook/{shop}"),
    }


def _mail_settings(site: Site, shop: str) -> dict[str, str]:
    return {
        "SMTP_HOST": site.host("outside", "mail"),
        "SMTP_PORT": str(site.ports("outside", "mail")["smtp"]),
        "MAIL_DOMAIN": _mail_domain(shop),
    }


def _mail_domain(shop: str) -> str:
    return f"{shop}.twinshop.example"


def _database_url(site: Site, stack_name: str, part: str, database: str) -> str:
    password = site.secrets.of(f"database/{database}")
    address = f"{site.host(stack_name, part)}:{site.ports(stack_name, part)['sql']}"
    return f"postgresql://{database}:{password}@{address}/{database}"


def _broker_url(site: Site, stack_name: str, user: str = broker_users.OPERATOR) -> str:
    password = site.secrets.of(broker_users.secret(user))
    return f"nats://{user}:{password}@{site.host(stack_name, 'broker')}:{site.ports(stack_name, 'broker')['nats']}"
