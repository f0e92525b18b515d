"""Where a stack runs as containers: the names and ports by which they reach each other, and how they get secrets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from deploy.model import broker_users
from deploy.model.parts import Part, Secrets, Site, Stack
from deploy.model.ports import PORTS as PUBLISHED
from deploy.model.topology import CALLER, stack

STACKS = ("outside", "monolith", "microservices")  # what docker-compose.yml holds
# Stacks whose parts go by their bare names, but for these parts, which others have too.
BARE = {"outside": (), "microservices": ("edge",)}
# Ports as the official images have them. Every container has an address of its own, so that none need be shifted.
EDGE_PORTS = {"http": 8080, "catalog": 8081, "payments": 8082, "notifications": 8083}
ADMIN_PORT = 9901  # of an edge, on the loopback of its container only
PORTS = {"http": 8000, "sql": 5432, "nats": 4222, "monitor": 8222, "smtp": 1025}
SECRETS_FOLDER = "/run/secrets"
# Settings that hold a password: a container reads them from a file of this name in SECRETS_DIR, in lower case.
SECRET_SETTINGS = ("DATABASE_URL", "NATS_URL", "PROVIDER_API_KEY", "WEBHOOK_SECRET", "WEBHOOKS")


def service_name(stack_name: str, part: str) -> str:
    """Return the name of a part in docker-compose.yml, which is also its host name."""
    prefixed = BARE.get(stack_name)
    return part if prefixed is not None and part not in prefixed else f"{stack_name}-{part}"


@dataclass(frozen=True)
class ComposeSite(Site):
    """Addresses as containers see them."""

    keys: str = SECRETS_FOLDER
    data: str = "/data"
    mode: str = "production"

    def host(self, stack: str, part: str) -> str:
        """Return the host name of a part: all replicas of it, by turns."""
        return service_name(stack, part)

    def ports(self, stack: str, part: str) -> dict[str, int]:
        """Return the ports inside the container, by name."""
        inner = EDGE_PORTS if part == "edge" else PORTS
        # No modules move in containers.
        return {name: inner[name] for name in PUBLISHED[stack][part] if name in inner}

    def public_url(self, stack: str, part: str) -> str:
        """Return the address on this machine, where the edges have their ports."""
        return Site(self.secrets, self.keys, self.data, self.shift).url(stack, part)

    def data_of(self, stack: str, part: str) -> str:
        """Return the folder of the volume."""
        return self.data


def inside(secrets: Secrets, name: str, shift: int = 0) -> Stack:
    """Return a stack with its settings as the containers have them; `shift` is that of the edges' ports outside."""
    return stack(name, ComposeSite(secrets, shift=shift))


def secret_files(secrets: Secrets, keys: dict[str, str]) -> dict[str, str]:
    """Return the content of each secret of docker-compose.yml, by name. `keys` are the services' key files."""
    return dict(_secret_files(secrets)) | {name: text for name, text in keys.items() if _is_key(name)}


def _secret_files(secrets: Secrets) -> Iterator[tuple[str, str]]:
    for stack_name in STACKS:
        for part in inside(secrets, stack_name).parts:
            service = service_name(stack_name, part.name)
            yield from ((f"{service}_{setting}", text) for setting, text in secrets_of(secrets, part))


def secrets_of(secrets: Secrets, part: Part) -> Iterator[tuple[str, str]]:
    """Yield the secrets that a part reads from files, by their names; its key files are not among them."""
    for setting in SECRET_SETTINGS:
        if setting in part.environment:
            yield setting.lower(), part.environment[setting]
    if part.kind == "postgres":
        yield "superuser_password", secrets.of("database/superuser")
        yield "owner_password", secrets.of(f"database/{part.database}")
    if part.kind == "nats":
        # What nats.conf includes; its format takes JSON.
        yield "authorization", f"authorization: {json.dumps(broker_users.authorization(secrets))}\n"


def _is_key(name: str) -> bool:
    return name in ("service-public-keys.json", f"{CALLER}.jwk")
