"""Inner routes may be open where something is measured, and nowhere else."""

from __future__ import annotations

import pytest

from microservices.kit.settings import ServiceSettings
from variants.no_tokens.__main__ import TokenlessRuntime

SETTINGS = {
    "database_url": "postgresql://somewhere/orders",
    "jwks_url": "http://identity.example/jwks.json",
    "token_issuer": "http://identity.example",
    "nats_url": "nats://broker.example",
}


def test_services_without_tokens_refuse_to_start_in_production() -> None:
    with pytest.raises(SystemExit, match="TWINSHOP_MODE=local only"):
        TokenlessRuntime("orders", ServiceSettings(twinshop_mode="production", **SETTINGS))


def test_in_local_mode_every_caller_is_let_in() -> None:
    runtime = TokenlessRuntime("orders", ServiceSettings(twinshop_mode="local", **SETTINGS))

    assert runtime.verifier().verify(None, ["orders"]) == "anyone"
