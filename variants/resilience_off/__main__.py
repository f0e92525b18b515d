"""`python -m variants.resilience_off orders`. Deadlines are settings of the plain build: this one has them long."""

from __future__ import annotations

from microservices.kit.runtime import ServiceRuntime
from microservices.kit.serving import serve
from microservices.kit.web import Answer
from microservices.orders.app import assemble, clients
from microservices.orders.clients import PaymentOutcome
from microservices.orders.config import OrdersSettings
from microservices.orders.order import OrderState
from microservices.orders.service import Orders
from shared.domain.errors import OutcomeUnknown
from shared.platform.settings import load_or_exit


class OrdersWithoutFallback(Orders):
    """Whose customers are told 504 where the plain build accepts the order and has it paid later."""

    async def wait_for_payment(self, order: OrderState, charge: PaymentOutcome) -> Answer:
        """Keep the order for the loops, which finish it all the same. Raises OutcomeUnknown."""
        await super().wait_for_payment(order, charge)
        raise OutcomeUnknown("The payment has no answer yet.")


def main() -> None:
    """Run the service until SIGTERM."""
    settings = load_or_exit(OrdersSettings)
    runtime = ServiceRuntime("orders", settings)
    orders = OrdersWithoutFallback(runtime.database, runtime.outbox, *clients(runtime, settings), settings)
    serve(assemble(runtime, orders), settings, "orders")


if __name__ == "__main__":
    main()
