"""A loop that carries on the sagas whose request has died, or whose payment got no answer."""

from __future__ import annotations

import logging

from migration.inside_monolith.saga.cancel_order import finish_cancel
from migration.inside_monolith.saga.place_order import carry_on, charge_of
from migration.inside_monolith.saga.settle import UNPAID
from migration.inside_monolith.saga.steps import BATCH, DueOrder, SagaSteps, VersionConflict
from monolith.orders import Shop
from shared.contract.bodies import OrderInput
from shared.domain.errors import ShopError
from shared.domain.order import OrderStatus
from shared.domain.payment import PaymentStatus
from shared.platform import tracing
from shared.platform.metrics import Metrics

log = logging.getLogger(__name__)


class SagaRecovery:
    """Leads orders to an end without a customer waiting."""

    def __init__(self, shop: Shop, steps: SagaSteps, metrics: Metrics) -> None:
        self._shop, self._steps, self._recovered = shop, steps, metrics.recovered

    def resume_due(self) -> bool:
        """Carry on a batch of orders; True if there may be more. Raises Unavailable."""
        due = self._steps.claim_due(self._shop.database)
        for one in due:
            tracing.begin(None)
            try:
                self._resume(one)
            except (VersionConflict, ShopError) as error:
                log.info("order %s is left for later: %s", one.order.id, error or type(error).__name__)
        self._steps.outbox.wake()
        return len(due) == BATCH

    def _resume(self, due: DueOrder) -> None:
        order, steps = due.order, self._steps
        if order.status == OrderStatus.PLACED:
            carry_on(self._shop, steps, order, OrderInput(**due.request, payment_method=due.payment_method))
        elif not steps.gate.is_extracted("payments") or order.status not in (*UNPAID, OrderStatus.CANCELLING):
            steps.cancel_recovery(self._shop.database, order.id)
            return
        elif order.status == OrderStatus.PAYMENT_PENDING:
            self._ask_for_payment(due)
        else:
            with self._shop.database.transaction() as connection:
                refund = self._shop.refunds.record_cancel(connection, order.id)
            finish_cancel(self._shop, steps, order, refund)
        self._recovered.labels("order").inc()

    def _ask_for_payment(self, due: DueOrder) -> None:
        """Send the charge again (it is safe), or void it if it has been unknown for too long."""
        if due.age_s > self._steps.give_up_s:
            result = self._steps.payments.void(due.order.id)
        else:
            result = self._steps.payments.charge(charge_of(due.order, due.payment_method))
        if result is not None and result.status != PaymentStatus.PENDING:
            with self._shop.database.transaction() as connection:
                self._steps.conclude(connection, due.order, result.status)
