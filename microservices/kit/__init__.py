"""What every service has, and no word of the shop's business. What a service author needs to know:

A service's `app.py` wires everything by hand; nothing is made at import:

    def create_app(settings: CatalogSettings) -> FastAPI:
        runtime = ServiceRuntime("catalog", settings)       # database, broker, outbox, metrics; nothing connects yet
        service = Products(runtime.database, runtime.outbox)
        runtime.consumes("catalog", ["order.confirmed"], OrderEvent, service.on_order_events)   # through the inbox
        runtime.publishes()                                 # the outbox's relay; only if the service has an outbox
        wake = runtime.repeats("sender", service.send_due, every_s=1.0)   # a loop; `wake.set()` hurries it
        runtime.on_start(service.seed_if_empty)             # once, after the migrations
        return runtime.app([routes.router], service)

    if __name__ == "__main__":
        settings = load_or_exit(CatalogSettings)
        serve(create_app(settings), settings, "catalog")

kit.runtime     ServiceRuntime: what a running service is made of, and the FastAPI app around it.
kit.serving     serve: runs an app until SIGTERM.
kit.settings    ServiceSettings: the common settings, the broker and the keys between services.
kit.web         Customer, Admin: dependencies (`async def route(request: Request, who: Customer)`);
                called_by: that of an inner route (`dependencies=[called_by("orders")]`).
                read_body(request, Model) -> Model; read_keyed(request, Model, route) -> Keyed (body, key, fingerprint).
                Answer(status, body bytes, ...).response(); Answer.of(status, model). service_of(request): the service.
                Errors: raise what is in shared/domain/errors.py; the app turns it into problem+json.
kit.database    Database. Reads: `await database.read(statement, {...})` -> rows (AUTOCOMMIT, one round trip).
                A transaction: `async with database.transaction() as connection:` the one visible place that commits.
                A transaction that is one statement: `await database.write(statement, {...})` -> rows (one trip).
                Errors before the commit: Unavailable. An ambiguous commit: OutcomeUnknown.
kit.outbox      Outbox. In the transaction: `await outbox.put(connection, event)`; after it: `outbox.wake.set()`.
                `CREATE_OUTBOX` for the first migration.
kit.inbox       A handler is `async def handle(connection, events: Sequence[Event]) -> None`. It gets only events that
                were not handled before, in one transaction with the memory of having handled them. It may put
                into the outbox. An exception undoes all and the events come again, with back-off, for ever.
                `CREATE_INBOX` for the first migration.
kit.idempotency Keys of admin routes: `begin(connection, who, keyed)` -> Answer to replay or None, `finish(...)`; both
                in the transaction of the effect. `CREATE_KEYS` for the first migration.
kit.pruning     Forgets old keys and inbox rows: `runtime.prunes(statement)`; `consumes` does it for the inbox. The
                indexes that it needs are `INDEX_KEYS` and `INDEX_INBOX`, for a migration.
kit.loops       repeat: a loop that runs a step every so often and at once when woken.
kit.peers       Peer: a call to another part with a total deadline. Raises Unreached (surely not done) or Unanswered.
kit.migrate     Runs `migrations/` on start under an advisory lock. `migrations/env.py` is one line: `run_migrations()`.
kit.reset       `reset(settings, package)`: empties all tables, for fresh data. Behind `python -m ...<name>.reset`.
"""
