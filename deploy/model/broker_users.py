"""Who may say what to the broker: the operator everything, a service its own events, consumer and dead letters only.

A consumer that filters several subjects names none of them to the server, so reading is not bound to subjects: a
service could read events that are not for it, but neither write them nor take them from whom they are for.
"""

from __future__ import annotations

from collections.abc import Collection

from deploy.model.parts import Secrets
from shared.contract.events import DEAD_STREAM, DEAD_SUBJECT_PREFIX, STREAM, SUBJECT_PREFIX

OPERATOR = "twinshop"
PUBLISHED: dict[str, tuple[str, ...]] = {
    "catalog": (),
    "orders": ("order.>",),
    "payments": ("payment.>",),
    "notifications": (),
}
API = "$JS.API"


def secret(user: str) -> str:
    """Return the purpose of a user's password among the secrets of an installation."""
    return "broker" if user == OPERATOR else f"broker/{user}"


def authorization(secrets: Secrets, listeners: Collection[str] = ()) -> dict[str, object]:
    """Return the part `authorization` of nats-server's configuration; `listeners` are services beside the four."""
    services = [_user(secrets, service) | {"permissions": permissions(service)} for service in (*PUBLISHED, *listeners)]
    return {"users": [_user(secrets, OPERATOR), *services]}


def permissions(service: str) -> dict[str, dict[str, list[str]]]:
    """Return what a service may publish and subscribe to; its consumer has its name."""
    asks = [f"STREAM.{verb}.{stream}" for verb in ("CREATE", "INFO") for stream in (STREAM, DEAD_STREAM)]
    asks += [f"CONSUMER.{verb}.{STREAM}.{service}" for verb in ("CREATE", "DURABLE.CREATE", "INFO", "MSG.NEXT")]
    asks += [f"CONSUMER.CREATE.{STREAM}.{service}.>"]  # where it filters one subject
    published = PUBLISHED.get(service, ())
    if published:  # looks how far the readers are, and makes room where all are through
        asks += [f"CONSUMER.LIST.{STREAM}", f"STREAM.PURGE.{STREAM}"]
        asks += [f"STREAM.UPDATE.{stream}" for stream in (STREAM, DEAD_STREAM)]
    own = [SUBJECT_PREFIX + subject for subject in published]
    acks, dead = f"$JS.ACK.{STREAM}.{service}.>", DEAD_SUBJECT_PREFIX + service
    return {
        "publish": {"allow": [*own, dead, acks, *(f"{API}.{ask}" for ask in asks)]},
        "subscribe": {"allow": [f"_INBOX.{service}.>"]},
    }


def _user(secrets: Secrets, name: str) -> dict[str, object]:
    return {"user": name, "password": secrets.of(secret(name))}
