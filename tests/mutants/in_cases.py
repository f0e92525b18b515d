"""Bugs that a test beside the code catches in seconds: for each case of money, messages, locks and trust that has one.

Cases are numbered as they were found. Without a mutant: 13 and 19 in part (dead letters, rotation, limits at the edge)
are commands and configuration; 5 (one operation a key), and 1 in a browser, are caught by journeys only; the index of
15 is made by code that both builds share, and a million rows of the services' narrow table take too short to show it.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.mutants.planting import Edit


@dataclass(frozen=True)
class CaseMutant:
    """A bug about a case, and the test that must fail with it: a file and the name of one of its tests."""

    case: int
    name: str
    edit: Edit
    file: str
    test: str

    def __str__(self) -> str:
        return f"{self.case}-{self.name}"


def _in_both(
    case: int, name: str, edits: tuple[Edit, Edit], files: tuple[str, str], test: str, other: str = ""
) -> tuple[CaseMutant, CaseMutant]:
    """Return the mutants of both builds, the monolith's first; `other` is the services' test if it has another name."""
    monolith, services = edits
    return (
        CaseMutant(case, f"monolith-{name}", monolith, f"monolith/{files[0]}", test),
        CaseMutant(case, f"microservices-{name}", services, f"microservices/{files[1]}", other or test),
    )


def _shared(case: int, name: str, edit: Edit, files: tuple[str, ...], test: str) -> tuple[CaseMutant, ...]:
    """Return the mutants of code that both builds share: one for each file whose test must fail."""
    return tuple(CaseMutant(case, f"{name}-{file.partition('/')[0]}", edit, file, test) for file in files)


_BOTH_DATABASES = ("monolith/test_database.py", "microservices/kit/test_database.py")
_BOTH_WEBHOOKS = ("monolith/payments/test_webhooks.py", "microservices/payments/test_webhooks.py")
_CONTRACT, _EVENTS = "shared/contract/test_contract_values.py", "microservices/kit/test_events.py"
_AWAY = 'raise OutcomeUnknown("The database is away; what became of the {} is not known.") from error'
_NEVER_FOR_GOOD = Edit("shared/domain/notification.py", "if code >= PERMANENT:", "if False:")
_SEND_NOTHING_AGAIN = Edit(
    "microservices/kit/outbox.py", "store <> :store RETURNING", "store <> :store AND false RETURNING"
)

MUTANTS = (
    *_in_both(
        1, "replay-denies-the-first-request",
        (Edit("monolith/idempotency.py", _AWAY.format("first request"), "raise"),
         Edit("microservices/orders/replay.py", _AWAY.format("order"), "raise")),
        ("orders/test_place_order.py", "orders/test_place_order.py"),
        "test_a_database_lost_during_a_replay_does_not_deny_the_first",
    ),
    *_shared(
        2, "limit-with-leading-zeros",
        Edit("shared/contract/queries.py", "if str(number) == text and low", "if low"),
        (_CONTRACT,), "test_a_limit_out_of_bounds_is_refused",
    ),
    *_shared(
        3, "claim-of-any-type",
        Edit("shared/platform/token_form.py", "exp: _Seconds | None = None", "exp: Any = None"),
        ("shared/platform/test_token_form.py",), "test_a_claim_of_the_wrong_kind_in_a_token_that_is_signed_well",
    ),
    *_shared(
        4, "parameter-that-comes-twice",
        Edit("shared/contract/queries.py", "            if name in parameters:\n", "            if False:\n"),
        (_CONTRACT,), "test_a_parameter_that_comes_twice_is_refused_by_name",
    ),
    CaseMutant(
        4, "first-of-two-headers",
        Edit("microservices/kit/web.py", 'return ",".join(request.headers.getlist(name)) if name in request.headers '
             "else None", "return request.headers.get(name)"),
        "microservices/kit/test_web.py", "test_a_header_that_comes_twice_is_not_believed",
    ),
    *_shared(
        6, "webhook-with-another-amount",
        Edit("shared/contract/bodies.py", "if self.amount != money.amount:", "if False:"),
        _BOTH_WEBHOOKS, "test_a_refund_that_differs_is_ignored_and_counted",
    ),
    *_in_both(
        7, "undo-of-a-refund-that-was-sent",
        (Edit("monolith/payments/refunds.py", "'pending' AND attempts = 0 AND", "'pending' AND"),
         Edit("microservices/payments/tables.py", "'pending' AND attempts = 0 AND", "'pending' AND")),
        ("payments/test_refunds.py", "payments/test_refunds.py"),
        "test_a_refund_that_the_settle_thread_has_sent_is_not_undone",
        "test_a_refund_that_the_loop_has_sent_is_not_undone",
    ),
    *_shared(
        8, "frozen-in-a-transaction-for-ever",
        Edit("shared/platform/postgres.py", "IDLE_IN_TRANSACTION_MS = 2000", "IDLE_IN_TRANSACTION_MS = 0"),
        _BOTH_DATABASES, "test_whoever_is_frozen_in_a_transaction_loses_it_and_others_get_on",
    ),
    *_shared(
        9, "read-only-database-is-our-defect",
        Edit("shared/platform/sqlstate.py", '    READ_ONLY,\n    "25P03"', '    "25P03"'),
        _BOTH_DATABASES, "test_a_read_only_database_is_unavailable_until_it_takes_writes",
    ),
    CaseMutant(
        10, "full-stream-forgets-the-oldest",
        Edit("microservices/kit/broker.py", "discard=DiscardPolicy.NEW", "discard=DiscardPolicy.OLD"),
        _EVENTS, "test_a_full_stream_keeps_events_in_the_outbox_until_there_is_room_and_says_so",
    ),
    CaseMutant(
        11, "lost-events-are-not-sent-again", _SEND_NOTHING_AGAIN,
        _EVENTS, "test_events_that_a_broker_lost_with_its_disk_are_sent_again",
    ),
    CaseMutant(
        11, "lost-events-of-an-extractable-monolith", _SEND_NOTHING_AGAIN,
        "tests/migration/test_outbox.py", "test_an_event_that_a_broker_lost_with_its_disk_is_sent_again",
    ),
    CaseMutant(
        12, "poison-comes-for-ever",
        Edit("microservices/kit/inbox.py", "if passes or message.metadata.num_delivered < MAX_TRIES:", "if True:"),
        _EVENTS, "test_an_event_that_its_handler_cannot_bear_is_set_aside_after_a_few_tries",
    ),
    *_shared(
        14, "every-caller-waits-for-the-keys",
        Edit("shared/platform/signing_keys.py", "is_failing = time.monotonic() - self._failed_at <= FAILURE_KEPT_S",
             "is_failing = False"),
        ("shared/platform/test_signing_keys.py",),
        "test_a_crowd_that_meets_a_frozen_provider_is_refused_soon_and_fetches_one_at_a_time",
    ),
    CaseMutant(
        15, "index-that-locks-its-table",
        Edit("shared/platform/migrations/__init__.py", "CREATE {kind} CONCURRENTLY", "CREATE {kind}"),
        "monolith/test_migrations.py", "test_an_index_on_a_large_table_holds_up_nobody_who_writes",
    ),
    *_in_both(
        16, "seeding-under-the-requests-time-out",
        (Edit("shared/platform/impatient_psycopg.py", "session_settings(0, 0) if patient else ", ""),
         Edit("microservices/catalog/seeding.py", "patient.transaction()", "database.transaction()")),
        ("catalog/test_products.py", "catalog/test_products.py"),
        "test_a_large_catalog_is_filled_however_long_that_takes",
    ),
    *_shared(
        17, "any-service-may-call-any-route",
        Edit("shared/platform/tokens.py", "        if caller not in callers:\n", "        if False:\n"),
        ("shared/platform/test_platform.py",), "test_a_service_that_a_route_does_not_name_is_refused",
    ),
    *_shared(
        18, "foreign-pages-are-answered",
        Edit("shared/platform/own_pages.py", " and set(origins).issuperset(sent)", ""),
        ("shared/platform/test_own_pages.py",), "test_an_interface_refuses_pages_of_other_sites",
    ),
    CaseMutant(
        19, "mail-refused-for-good-is-sent-for-ever-monolith", _NEVER_FOR_GOOD, "monolith/notifications/test_sender.py",
        "test_what_is_refused_at_mail_from_is_tried_again_only_for_a_passing_reason",
    ),
    CaseMutant(
        19, "mail-refused-for-good-is-sent-for-ever-microservices", _NEVER_FOR_GOOD,
        "microservices/notifications/test_notifications.py",
        "test_what_is_refused_is_tried_again_only_for_a_passing_reason",
    ),
)  # fmt: skip
