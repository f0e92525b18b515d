"""What every service has, and no word of the shop's business. A service's `app.py` wires everything by hand:

    def create_app(settings: CatalogSettings, runtime: ServiceRuntime | None = None) -> FastAPI:
        runtime = runtime or ServiceRuntime("catalog", settings)  # database, broker, outbox, metrics: none connects yet
        service = Products(runtime.database)
        runtime.consumes("catalog", ["order.confirmed"], OrderEvent, on_order_events)   # through the inbox
        runtime.publishes()                                 # the outbox's relay; only if the service has an outbox
        wake = runtime.repeats("sender", service.send_due, every_s=1.0)   # a loop; `wake.set()` hurries it
        runtime.on_start(service.seed_if_empty)             # once, after the migrations
        runtime.prunes(PRUNE_KEYS)                          # now and then
        return runtime.app([routes.router], service)

    main = partial(run, "catalog", CatalogSettings, create_app)

`web`: who asks, the body, the answer. Errors are raised (shared/domain/errors.py); the app tells them as problem+json.
`database`: `read`, `write` (a transaction of one statement), and `transaction()`, the one visible place that commits.
`outbox`: `await outbox.put(connection, event)` in the transaction, `outbox.wake.set()` after it.
`inbox`: a handler gets events that were not handled before, in one transaction with the memory of having handled them;
an exception undoes all, and the events come again, with back-off, for ever.
`idempotency`: keys of routes whose effect is one transaction. `peers`: a call to another part, with a total deadline.
`migrate` runs `migrations/versions/` on start; the first one needs CREATE_OUTBOX, CREATE_INBOX, CREATE_KEYS.
"""
