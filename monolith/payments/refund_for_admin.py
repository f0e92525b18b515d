"""Refund as an admin: once for each Idempotency-Key, and whatever the provider's silence may mean."""

from __future__ import annotations

from monolith import idempotency
from monolith.database import Database
from monolith.payments.refunds import Refunds, final_answer
from shared.contract.answers import Answer
from shared.contract.bodies import RefundInput
from shared.contract.parsing import Keyed
from shared.domain.errors import OutcomeUnknown, Unanswered, Unavailable, Unreached
from shared.domain.ids import new_id
from shared.platform.failpoints import failpoint


def refund_for_admin(
    database: Database, refunds: Refunds, admin: str, payment_id: str, keyed: Keyed[RefundInput]
) -> Answer:
    """Return 200 refunded, or 409 if the provider refuses; a replay gets the same.

    Raises NotFound, InvalidRequest, RefundExceedsCapture, RequestInFlight, IdempotencyKeyReused,
    Unavailable (nothing is left of it), OutcomeUnknown (the settle thread finishes it).
    """
    refund_id, key, amount = new_id(), keyed.key, keyed.body.amount.to_money()
    with database.transaction() as connection:
        earlier = idempotency.claim(connection, admin, keyed, refund_id, idempotency.REFUND)
        if earlier is not None:
            return earlier.replayed()
        refund = refunds.record_admin(connection, payment_id, refund_id, amount, (admin, key))

    try:
        status = refunds.call(refund)
    except Unreached as error:
        with database.transaction(continues=True) as connection:
            if not refunds.undo(connection, refund):
                raise OutcomeUnknown("The payment provider is away; the refund will follow.") from error
            idempotency.free(connection, [(admin, key, idempotency.REFUND)])
        raise Unavailable("The payment provider is away.") from error
    except Unanswered as error:
        raise OutcomeUnknown("The payment provider has not answered; send the same request again.") from error

    with database.transaction(continues=True) as connection:
        refunds.record_result(connection, refund, status)
    failpoint("refund.settled")
    return final_answer(refund, status)
