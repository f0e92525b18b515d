"""Growth: what a shop's pages and its orders take as the catalog and a customer's history become large.

Question: How much longer does each kind of search, list and page take at 1,000,000 products than at 1,000, and in a
history of 300,000 orders than in one of 300? What does that do to placing an order?

Hypothesis: In neither build anything takes more than three times as long, and placing an order at most 1.3 times: all
that customers ask for is found by an index, page by page.

Load: One customer, one request at a time, in rounds: every kind of page once, then the next round; afterwards orders of
one piece, one after the other. First with growing catalogs (`--set products=1000,100000,1000000`), then with a growing
history of that one customer (`--set orders=300,300000`), beside two orders of other customers for each of hers.

What is held equal: Products, words and their shares, requests and their order. Each build runs alone on its cores. All
sizes are of the same start, so that only the data differ. Orders and messages of the past are copies of a real one,
written by SQL; so books are checked before, and the shop is given fresh data after it.

How to read it: Each figure is a ratio of medians to those at the smallest size. Those of pages are divided by the same
ratio of refusals, which ask no database and are sent in between: a machine that is busier now than then slows both. An
order waits more for the disk and the provider than for a core, so it is left as it is, and its CPU is told beside it.
The bounds come from the 95 % intervals of both medians, taken apart, so they are wide rather than narrow. A word's
share is that of the products that have it; words 'of one kind' stand on products whose skus are neighbours, far from
where a list begins. Times are those of a shop that does nothing else: how many such requests a second it bears is
another question.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence

import psycopg
from psycopg import sql

from deploy.model.errors import DeployError
from loadtests.engine import rows
from loadtests.engine.arm import BUILDS, SETTLE_S, Arm, arms_up
from loadtests.engine.prober import Prober
from loadtests.engine.study import PRODUCTS, Study
from loadtests.experiments.growth import findings
from loadtests.experiments.growth.findings import PLACING, REFUSAL
from loadtests.measure import accounting
from loadtests.measure.views import wait_until_finished
from loadtests.report.result import Latency, Result
from shared.contract.queries import encode_cursor

MIDDLE = encode_cursor("M")  # skus begin with the product's kind
CATALOG = {
    "list": "/products",
    "list of 100": "/products?limit=100",
    "list from the middle": f"/products?cursor={MIDDLE}",
    "category": "/products?category=Lighting",
    "category from the middle": f"/products?category=Lighting&cursor={MIDDLE}",
    "category of nothing": "/products?category=unobtainium",
    "word in all": "/products?query=in",
    "word in 40 %": "/products?query=series",
    "word in 5 %": "/products?query=white",
    "word in 5 %, of a few kinds": "/products?query=enough",
    "word in 2 %": "/products?query=teal",
    "word in 1 %, of one kind": "/products?query=hammock",
    "word in 1 %, from the middle": f"/products?query=oven&cursor={MIDDLE}",
    "two words": "/products?query=teal+chair",
    "word and category": "/products?query=brook&category=Lighting",
    "word in none": "/products?query=unobtainium",
    "words in none together": "/products?query=hammock+chandelier",
    "categories": "/categories",
}
PLOTS = (findings.growth,)
REST_S = 30.0
WARM_UP = 3
OTHERS = 2  # orders of other customers for each of hers

# A copy differs from the order, or the message, that it is copied from in all that is unique.
_COPIES = {
    "orders": "'id', uuidv7(), 'payment_id', uuidv7(), 'idempotency_key', NULL",
    "notifications": "'id', uuidv7(), 'order_id', uuidv7(), 'message_id', uuidv7()",
}
_COPY = """
    INSERT INTO {table} SELECT copy.* FROM {table} AS one, generate_series(1, {count}) AS number,
    LATERAL jsonb_populate_record(one, jsonb_build_object({differs}, 'customer_id', CASE WHEN number % {share} = 0
    THEN one.customer_id ELSE 'customer-' || number % 10000 END)) AS copy WHERE one.id = (
        SELECT id FROM {table} WHERE customer_id = {customer} LIMIT 1)
"""


def run(study: Study) -> Result:
    """Measure both builds, first as their catalogs grow, then as a customer's history does."""
    catalogs = sizes(study, "products", (1_000, 20_000) if study.quick else (1_000, 100_000, 1_000_000))
    histories = sizes(study, "orders", (300, 6_000) if study.quick else (300, 300_000))
    rounds, placed = (7, 15) if study.quick else (21, 100)
    study.progress.plan(len(BUILDS) * (len(catalogs) + len(histories) + 1))
    with arms_up([spec.name for spec in BUILDS], study.budget, keep=False) as arms:
        for arm in arms.values():
            for size in catalogs:
                arm.fresh_data(size)
                with Prober(arm.parties) as customer:
                    _measure(study, arm, customer, CATALOG, "products", size, rounds, placed)
            outcome, _ = arm.reconcile(None)
            rows.note_books(study.runs[-1], outcome)
            arm.fresh_data(PRODUCTS)
            with Prober(arm.parties) as customer:
                customer.place()
                wait_until_finished(arm.parties.databases, REST_S, arm.parties.broker_monitor)
                for before, size in zip((0, *histories), histories, strict=False):
                    middle = _grow(arm, customer.subject, size - before)
                    history = {
                        "own orders": "/orders", "own orders from the middle": f"/orders?cursor={middle['orders']}",
                        "own messages": "/notifications",
                        "own messages from the middle": f"/notifications?cursor={middle['notifications']}",
                    }  # fmt: skip
                    _measure(study, arm, customer, history, "orders", size, rounds, placed)
            arm.fresh_data(PRODUCTS)
            study.progress.done(f"{arm.name:<14} fresh data")
    grown = findings.ratios(study.runs)
    return study.result(
        answer=findings.answer(grown), comparison=findings.compare(grown), findings={},
        details={"growth": grown, "factors": {"products": catalogs, "orders": histories}},
    )  # fmt: skip


def sizes(study: Study, name: str, default: Sequence[int]) -> list[int]:
    """Return what `--set` says of sizes, two at least and growing. Raises DeployError that names it."""
    text = study.options.get(name, ",".join(map(str, default)))
    parts = text.split(",")
    sizes = [int(part) for part in parts if part.isdecimal()]
    if len(sizes) != len(parts) or len(sizes) < 2 or sizes != sorted(set(sizes)) or sizes[0] < 1:
        raise DeployError(f"{name}={text}: want growing numbers, two at least, such as {name}=1000,100000.")
    return sizes


def _grow(arm: Arm, customer: str, count: int) -> dict[str, str]:
    """Copy the customer's order and message `count` times; return a cursor to the middle of either."""
    middle = {}
    for url in arm.parties.databases:
        with psycopg.connect(url, autocommit=True, options="-c statement_timeout=0") as connection:
            for table, differs in _COPIES.items():
                if connection.execute("SELECT to_regclass(%s)", [table]).fetchone() == (None,):
                    continue
                copy = sql.SQL(_COPY).format(
                    table=sql.Identifier(table), count=sql.Literal(count * (1 + OTHERS)), differs=sql.SQL(differs),
                    share=sql.Literal(1 + OTHERS), customer=sql.Literal(customer),
                )  # fmt: skip
                connection.execute(copy)
                connection.execute(sql.SQL("VACUUM ANALYZE {}").format(sql.Identifier(table)))
                which = sql.SQL("SELECT id FROM {} WHERE customer_id = %s ORDER BY id DESC LIMIT 1 OFFSET %s")
                row = connection.execute(which.format(sql.Identifier(table)), [customer, count // 2]).fetchone()
                assert row is not None
                middle[table] = encode_cursor(str(row[0]))
    return middle


def _measure(
    study: Study, arm: Arm, customer: Prober, pages: Mapping[str, str], factor: str, size: int, rounds: int, placed: int
) -> None:
    """Ask for every kind of page in rounds, then place orders; add what both took as one run."""
    study.progress.doing(f"{arm.name} with {size:,} {factor}")
    samples: dict[str, list[float]] = {name: [] for name in (*pages, PLACING, REFUSAL)}
    for round_ in range(rounds + WARM_UP):
        for name, target in pages.items():
            took_ms, refused_ms = customer.read_ms(target), customer.refused_ms()
            if round_ >= WARM_UP:
                samples[name].append(took_ms)
                samples[REFUSAL].append(refused_ms)
    for _ in range(placed // 5):
        customer.place()
    before = accounting.take(arm.runner)
    for _ in range(placed):
        began = time.perf_counter()
        status = customer.place().status
        if status != 201:
            raise DeployError(f"{arm.name} answered {status} to an order at {size:,} {factor}.")
        samples[PLACING].append((time.perf_counter() - began) * 1000)
    time.sleep(SETTLE_S)  # who asks whether all is at rest walks all orders
    spent = accounting.between(before, accounting.take(arm.runner))
    one = rows.bare(study.next_number, arm.name, 1, "order", placed, spent)
    one["latency_ms_by_journey"] = {name: _latency(times) for name, times in samples.items()}
    one["requests_by_journey"] = {name: len(times) for name, times in samples.items()}
    low, high = zip(*(median_interval(times) for times in samples.values()), strict=True)
    one["factors"] = {
        factor: size, "median_low_ms": dict(zip(samples, low, strict=True)),
        "median_high_ms": dict(zip(samples, high, strict=True)),
    }  # fmt: skip
    study.runs.append(one)
    waits = max((statistics.median(times), name) for name, times in samples.items() if name in pages)
    order = one["latency_ms_by_journey"][PLACING]["p50"]
    study.progress.done(f"{arm.name:<14} {size:>9,} {factor}: order {order:.1f} ms; most {waits[0]:.1f} ms, {waits[1]}")


def _latency(times: Sequence[float]) -> Latency:
    hundredths = statistics.quantiles(times, n=100, method="inclusive")
    return {"p50": hundredths[49], "p95": hundredths[94], "p99": hundredths[98], "max": max(times)}


def median_interval(times: Sequence[float]) -> tuple[float, float]:
    """Return the 95 % interval of the median, by ranks: whatever the times are distributed like."""
    ranked, count = sorted(times), len(times)
    reach = round(0.98 * count**0.5)  # 1.96 standard deviations of the number of times below the median
    return ranked[max(0, count // 2 - reach)], ranked[min(count - 1, count // 2 + reach)]
