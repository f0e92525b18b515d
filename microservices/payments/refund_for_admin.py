"""A refund that an admin asks for: answered once for each Idempotency-Key, undone if it surely never left."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from microservices.kit import idempotency
from microservices.kit.web import Answer
from microservices.payments.refunds import Refunds, given_back, locked
from microservices.payments.tables import UNDO_REFUND, payments
from shared.contract.bodies import RefundInput
from shared.contract.parsing import Keyed
from shared.domain.errors import (
    FieldError,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    RefundExceedsCapture,
    Unanswered,
    Unavailable,
    Unreached,
)
from shared.domain.ids import new_id
from shared.domain.payment import RefundOrigin, check_refund
from shared.platform.failpoints import failpoint


async def refund_for_admin(refunds: Refunds, subject: str, payment_id: str, keyed: Keyed[RefundInput]) -> Answer:
    """Refund a part of a payment. Raises what the contract names; the key's answer is stored when it is final."""
    async with refunds.database.transaction() as connection:
        stored = await idempotency.begin(connection, subject, keyed)
        if stored is not None:
            return stored
        payment = await locked(connection, payments.c.id == payment_id)
        if payment is None:
            raise NotFound("There is no such payment.")
        money = keyed.body.amount
        if money.currency != payment.currency:
            wrong = FieldError("amount.currency", f"the payment was made in {payment.currency}")
            raise InvalidRequest("A refund has the currency of its payment.", [wrong])
        check_refund(money.amount, payment.captured, await given_back(connection, payment))
        who, key = (subject, keyed.key), new_id()
        refund = await refunds.record(
            connection, payment, amount=money.amount, origin=RefundOrigin.ADMIN, provider_key=key, requested_by=who
        )
    failpoint("refund.recorded")
    try:
        await refunds.provider.refund(refund.order_id, refund.provider_key, refund.amount)
    except Unreached as error:
        if await _undo(refunds, refund):
            raise Unavailable("The payment provider cannot be reached.") from error
        raise OutcomeUnknown("The refund is under way; send the request again.") from error
    except Unanswered as error:
        raise OutcomeUnknown("The payment provider did not answer; send the request again.") from error
    except RefundExceedsCapture as refusal:
        return await refunds.settle(refund, refusal)
    failpoint("refund.sent")
    answer = await refunds.settle(refund, None)
    failpoint("refund.settled")
    return answer


async def _undo(refunds: Refunds, refund: Row[Any]) -> bool:
    """Take back a refund that surely never reached the provider; False if it must be finished instead."""
    async with refunds.database.transaction(continues=True) as connection:  # what is recorded will be sent
        await locked(connection, payments.c.id == refund.payment_id)
        is_undone = (await connection.execute(UNDO_REFUND, {"id": refund.id})).first() is not None
        if is_undone:
            await idempotency.free(connection, refund.subject, refund.idempotency_key)
    return is_undone
