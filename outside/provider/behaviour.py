"""How the provider treats a merchant's calls: behaviour set at run time, and test payment methods that need none."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from outside.http import RequestBody

Share = Annotated[float, Field(ge=0, le=1)]
Milliseconds = Annotated[float, Field(ge=0, le=600_000)]

SLOW_S = 1.0
UNANSWERED_WEBHOOK_S = 1.0  # a timeout's webhook comes this long after the caller has hung up


class Latency(RequestBody):
    """How long an answer takes: log-normal, as latencies of real services are; sigma is of the logarithm."""

    median: Milliseconds = 20.0
    sigma: Annotated[float, Field(ge=0, le=3)] = 0.3


class WebhookBehaviour(RequestBody):
    """Which results are told by webhook, how late, how often, and whether in order."""

    mode: Literal["unanswered", "always", "never"] = "unanswered"
    delay_ms: Milliseconds = 0.0
    duplicates: Annotated[int, Field(ge=0, le=20)] = 0
    shuffle: bool = False


class Behaviour(RequestBody):
    """One merchant's behaviour. Shares are of calls; a hanging call is accepted and never answered."""

    latency_ms: Latency = Latency()
    decline_share: Share = 0.0
    error_share: Share = 0.0
    hang: bool = False
    hang_share: Share = 0.0
    charge_but_time_out_share: Share = 0.0
    refund_but_time_out_share: Share = 0.0
    webhook: WebhookBehaviour = WebhookBehaviour()

    def changed(self, patch: dict[str, Any]) -> Behaviour:
        """Return this behaviour with the fields that `patch` names, at any depth. Raises ValidationError."""
        return Behaviour.model_validate(_merged(self.model_dump(), patch))

    def latency_s(self, rng: random.Random) -> float:
        """Return how long the next answer takes, in seconds."""
        median = self.latency_ms.median / 1000
        return rng.lognormvariate(math.log(median), self.latency_ms.sigma) if median else 0.0


@dataclass(frozen=True)
class ChargePlan:
    """What becomes of one attempt to charge. `status` None: it is lost on the way and nothing is decided."""

    status: Literal["captured", "declined"] | None
    reason: str | None = None
    withheld: bool = False  # decided, but the caller is kept waiting for the answer
    takes_s: float | None = None  # None: as long as the merchant's behaviour says
    webhook_after_s: float | None = 0.0  # None: never, whatever the behaviour says


_CAPTURED = ChargePlan("captured")
_METHODS = {
    "pm_ok": _CAPTURED,
    "pm_declined": ChargePlan("declined", "card_declined"),
    "pm_slow": ChargePlan("captured", takes_s=SLOW_S),
    "pm_timeout": _CAPTURED,
    "pm_timeout_silent": _CAPTURED,
    "pm_lost": _CAPTURED,
    "pm_late_decline": ChargePlan("declined", "card_declined"),
}
_FIRST_ATTEMPT = {
    "pm_timeout": ChargePlan("captured", withheld=True, webhook_after_s=UNANSWERED_WEBHOOK_S),
    "pm_timeout_silent": ChargePlan("captured", withheld=True, webhook_after_s=None),
    "pm_lost": ChargePlan(None, withheld=True, webhook_after_s=None),
    "pm_late_decline": ChargePlan("declined", "card_declined", withheld=True, webhook_after_s=UNANSWERED_WEBHOOK_S),
}
_UNKNOWN = ChargePlan("declined", "unknown_payment_method")


def plan_charge(behaviour: Behaviour, payment_method: str, attempt: int, rng: random.Random) -> ChargePlan:
    """Return what becomes of attempt number `attempt` (from 1) at a charge that is not decided yet."""
    if attempt == 1 and payment_method in _FIRST_ATTEMPT:
        return _FIRST_ATTEMPT[payment_method]
    plan = _METHODS.get(payment_method, _UNKNOWN)
    if plan.status == "captured":
        if rng.random() < behaviour.decline_share:
            return ChargePlan("declined", "insufficient_funds")
        if rng.random() < behaviour.charge_but_time_out_share:
            return ChargePlan("captured", withheld=True)
    return plan


def _merged(current: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    merged = dict(current)
    for name, value in patch.items():
        inner = current.get(name)
        merged[name] = _merged(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return merged
