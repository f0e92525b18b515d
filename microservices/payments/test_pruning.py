"""The key of an admin's refund is forgotten when both are old, and not while the provider owes an answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from microservices.kit.pruning import Pruner
from microservices.payments.conftest import Stage
from microservices.payments.tables import PRUNE_KEYS
from shared.domain.errors import OutcomeUnknown, RequestInFlight

Play = Callable[[Any], Any]


async def age(stage: Stage, table: str, column: str) -> None:
    await stage.database.write(text(f"UPDATE {table} SET {column} = now() - interval '3 days'"))


async def forget(stage: Stage) -> None:
    pruner = Pruner(stage.database, stage.settings)
    pruner.statements.append(PRUNE_KEYS)
    await pruner.step()


def test_an_old_key_may_refund_again(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        payment_id = (await stage.charge()).payment_id
        await stage.refund(payment_id, 300)
        await age(stage, "idempotency_keys", "created_at")
        await age(stage, "refunds", "updated_at")
        await forget(stage)
        await stage.refund(payment_id, 300)

        assert list(stage.ledger.refunds.values()) == [300, 300]

    play(scene)


def test_the_key_of_a_refund_that_waited_for_days_is_kept_until_it_is_answered_and_after(play: Play) -> None:
    async def scene(stage: Stage) -> None:
        payment_id = (await stage.charge()).payment_id
        stage.ledger.trouble = "silent"
        with pytest.raises(OutcomeUnknown):
            await stage.refund(payment_id, 300)
        await age(stage, "idempotency_keys", "created_at")
        await age(stage, "refunds", "updated_at")
        await forget(stage)
        with pytest.raises(RequestInFlight):
            await stage.refund(payment_id, 300)

        stage.ledger.trouble = ""
        await stage.settle()
        await forget(stage)

        assert (await stage.refund(payment_id, 300)).status == 200
        assert list(stage.ledger.refunds.values()) == [300]

    play(scene)
