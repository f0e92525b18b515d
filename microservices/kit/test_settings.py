"""What may be switched off for measuring may not be switched off anywhere else."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from microservices.kit.settings import ServiceSettings

GIVEN = {
    "database_url": "postgresql://somewhere/orders",
    "jwks_url": "http://identity.example/jwks.json",
    "token_issuer": "http://identity.example",
    "nats_url": "nats://broker.example",
}


def test_service_tokens_cannot_be_switched_off_in_production() -> None:
    with pytest.raises(ValidationError, match="local only"):
        ServiceSettings(twinshop_mode="production", service_tokens=False, **GIVEN)


def test_service_tokens_can_be_switched_off_for_measuring() -> None:
    settings = ServiceSettings(twinshop_mode="local", service_tokens=False, **GIVEN)

    assert not settings.service_tokens


def test_service_tokens_are_on_by_default() -> None:
    assert ServiceSettings(twinshop_mode="production", **GIVEN).service_tokens
