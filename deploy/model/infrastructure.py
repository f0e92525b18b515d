"""The parts that are nobody's code: database servers, the broker, the edge; the same for every shop."""

from __future__ import annotations

from collections.abc import Collection

from deploy.model.parts import Part, Probe, Site
from deploy.model.ports import MAX_REPLICAS

# The same order and case rules on every system: the builtin provider needs no locale of the operating system.
INITDB_OPTIONS = (
    "--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--auth=scram-sha-256",
)  # fmt: skip
SPARE_CONNECTIONS = 20  # migrations, resets, the reconciler, a psql by hand


def database(site: Site, stack_name: str, name: str, database: str, pool: int, share: int = 1) -> Part:
    """Return a PostgreSQL server for replicas with pools of this size.

    Durable as in production (fsync on) and small. Buffers and log are equal in sum over a build: `share` is how many of
    the services' servers it stands for.
    """
    settings = {
        "shared_buffers": f"{32 * share}MB",
        "max_connections": str(pool * MAX_REPLICAS + SPARE_CONNECTIONS),
        "fsync": "on",
        "synchronous_commit": "on",
        "jit": "off",
        "io_method": "sync",  # the default keeps three worker processes a server, and there are five servers
        "max_wal_size": f"{256 * share}MB",
        "log_min_messages": "warning",
        "log_checkpoints": "off",
        "log_error_verbosity": "terse",  # no DETAIL, which names the row at fault: mail addresses, keys
    }
    options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
    return Part(
        name=name,
        kind="postgres",
        command=("postgres", *options),
        ports=site.ports(stack_name, name),
        probe=Probe("postgres", "sql"),
        database=database,
    )


def broker(site: Site, stack_name: str) -> Part:
    """Return the NATS server with JetStream."""
    return Part(
        name="broker",
        kind="nats",
        command=("nats-server",),
        ports=site.ports(stack_name, "broker"),
        probe=Probe("http", "monitor", "/healthz"),
    )


def edge(site: Site, stack_name: str, inner: Collection[str] = ()) -> Part:
    """Return the Envoy in front of a shop and, in the services, between them: `inner` are those that others call."""
    ports = site.ports(stack_name, "edge")
    return Part(
        name="edge",
        kind="envoy",
        command=("envoy", "--concurrency", "1", "--disable-hot-restart", "--log-level", "warning"),
        ports={name: port for name, port in ports.items() if name == "http" or name in inner},
        admin=site.admin_socket(stack_name),
        # Envoy's own word for ready comes before it listens; this 404 can only come from the public listener.
        probe=Probe("http", "http", "/readyz", status=404),
    )
