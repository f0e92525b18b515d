"""The saga of POST /orders as a model: every step that any part can take next, from any state.

Two customers want the one unit that is left. Between any two steps a process may die, an answer may get lost,
an event may come twice, and events overtake each other, all within the budget of a `World`. What the services do
is in here by its effect on what is durable, step by step as they commit; `Design` switches single safeguards off.
The steps carry the names that `microservices/orders` and `microservices/payments` use.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True)
class Design:
    """The safeguards. All on is what the services do; each one off is a bug that somebody has shipped."""

    compare_and_set: bool = True  # a step is taken from the expected state only
    guarded_decrement: bool = True  # stock is taken only if it is there
    tombstones: bool = True  # a release of an unknown order refuses a reservation that comes later
    inbox: bool = True  # an event takes effect once, however often it comes
    outbox: bool = True  # an event is committed together with its cause
    acknowledge_after_commit: bool = True
    sweeper: bool = True  # somebody finishes what a crash left behind
    same_key_on_retry: bool = True  # the provider knows a charge that is sent again
    unknown_is_pending: bool = True  # a time-out at the provider is not a decline
    void_refuses_later: bool = True  # giving up is a void at the provider, not a look-up
    release_on_reject: bool = True
    refund_late_capture: bool = True


class Leg(NamedTuple):
    """One order as all parts together see it. Only `request`, `recovery` and `call` die with a process."""

    status: str = "none"
    request: str = "start"  # where the customer's request stands
    recovery: str = "off"  # where the recovery loop stands with this order
    answer: int = 0  # what the customer was told; 0: nothing
    reservation: str = "none"
    payment: str = "none"
    at_provider: str = "none"
    captures: int = 0
    refunds: int = 0
    late_reserve: int = 0  # a reservation still on its way
    late_charge: int = 0  # a charge still on its way to the provider
    events: tuple[str, ...] = ()  # on their way, in no order


class World(NamedTuple):
    """All that there is. The last four fields are how much may still go wrong."""

    available: int
    reserved: int
    sold: int
    legs: tuple[Leg, ...]
    crashes: int
    timeouts: int
    duplicates: int
    overlaps: int  # a recovery that starts although the request still lives (a machine that stood still)

    @property
    def leg(self) -> Leg:
        """The order of a world with only one."""
        (leg,) = self.legs
        return leg


Step = tuple[str, World]


def start(*, crashes: int = 2, timeouts: int = 1, duplicates: int = 1, overlaps: int = 1, orders: int = 2) -> World:
    """Return the state before anything has happened: one unit in stock, `orders` requests on their way."""
    return World(1, 0, 0, (Leg(),) * orders, crashes, timeouts, duplicates, overlaps)


def steps_of_one(world: World, design: Design) -> tuple[Step, ...]:
    """Return each step that the only order of a world can take next, by name, with the state after it.

    What other orders do meets it in the stock and the budget only. A process that dies is not among the steps: it
    dies for all orders at once, see DEATHS.
    """
    actors = (_request, _recovery, _payment_loop, _late_messages, _events)
    return tuple(step for actor in actors for step in actor(world, design))


def _with(world: World, **changes: object) -> World:
    return world._replace(legs=(world.leg._replace(**changes),))


def _emit(world: World, event: str) -> World:
    return _with(world, events=tuple(sorted((*world.leg.events, event))))


# --- the request, and the recovery loop that does the same once the request is dead --------------------------


def _request(world: World, design: Design) -> Iterator[Step]:
    leg = world.leg
    if leg.request == "start":
        yield "placed", _with(world, status="placed", request="reserve")
    elif leg.request not in ("done", "dead"):
        yield from _saga(world, design, "request", leg.request)


def _recovery(world: World, design: Design) -> Iterator[Step]:
    leg = world.leg
    if leg.recovery != "off":
        yield from _saga(world, design, "recovery", leg.recovery)
    elif leg.status == "placed" and design.sweeper:
        if leg.request == "dead":
            yield "recovery starts", _with(world, recovery="reserve")
        elif leg.request != "done" and world.overlaps:
            yield "recovery overlaps", _with(world, recovery="reserve")._replace(overlaps=world.overlaps - 1)


def _saga(world: World, design: Design, who: str, at: str) -> Iterator[Step]:
    leg = world.leg
    if at == "reserve":
        is_reserved, after = _reserve(world, design)
        if is_reserved:
            yield "reserved", _with(after, **{who: "charge"})
        else:
            # The release goes out here too: its tombstone stops an overlapping recovery that reserves after us.
            yield "out of stock", _end(after, design, who, "rejected", 409)
        if world.timeouts:  # the reservation may still arrive; the customer is told 503 and the saga only compensates
            lost = _with(world, late_reserve=leg.late_reserve + 1)._replace(timeouts=world.timeouts - 1)
            yield "reserve unanswered", _end(lost, design, who, "rejected", 503)
    elif at == "charge":
        if leg.payment in ("none", "pending"):
            yield "payment recorded", _with(world, payment="pending", **{who: "charging"})
        else:
            yield "payment known", _with(world, **{who: f"told {leg.payment}"})
        if world.timeouts:
            lost = world._replace(timeouts=world.timeouts - 1)
            yield "payments away", _end(lost, design, who, "payment_pending", 202)
    elif at == "charging":
        for outcome, after in _charge(world, again=False, design=design):
            yield f"provider {outcome}", _with(after, **{who: f"charged {outcome}"})
        if world.timeouts:
            lost = _with(world, late_charge=leg.late_charge + 1)._replace(timeouts=world.timeouts - 1)
            if design.unknown_is_pending:
                yield "provider unanswered", _end(lost, design, who, "payment_pending", 202)
            else:
                yield "provider unanswered", _with(lost, payment="declined", **{who: "told declined"})
    elif at.startswith("charged "):
        outcome = at.removeprefix("charged ")
        settled = _settle(world, design, outcome)
        yield f"payment {outcome}", _with(settled, **{who: f"told {settled.leg.payment}"})
    elif at == "told captured":
        yield "confirmed", _end(world, design, who, "confirmed", 201)
    else:  # told declined or voided
        yield "rejected", _end(world, design, who, "rejected", 402)


def _end(world: World, design: Design, who: str, status: str, answer: int) -> World:
    """Commit the order's next status with its event, and answer the customer if it is the request that ends."""
    moved = _move(world, design, status)
    now = moved.leg.status
    status_code = {"confirmed": 201, "payment_pending": 202, "rejected": answer if answer >= 400 else 402}.get(
        now, answer
    )
    if who == "recovery":
        return _with(moved, recovery="off")
    return _with(moved, request="done", answer=status_code)


def _move(world: World, design: Design, status: str) -> World:
    before = world.leg.status
    expected = ("placed", "payment_pending") if status != "payment_pending" else ("placed",)
    if design.compare_and_set and before not in expected:
        return world
    moved = _with(world, status=status)
    if status == "payment_pending" or (status == "rejected" and not design.release_on_reject):
        return moved
    return _emit(moved, f"order {status}" if design.outbox else f"unsent order {status}")


def _reserve(world: World, design: Design) -> tuple[bool, World]:
    """Price and reserve at the catalog, one transaction. Idempotent by order."""
    leg = world.leg
    if leg.reservation in ("reserved", "sold"):
        return True, world
    if leg.reservation != "none" or (design.guarded_decrement and world.available < 1):
        return False, world
    reserved = world._replace(available=world.available - 1, reserved=world.reserved + 1)
    return True, _with(reserved, reservation="reserved")


# --- payments and the provider ------------------------------------------------------------------------------


def _charge(world: World, *, again: bool, design: Design) -> Iterator[Step]:
    """The provider decides a charge: by its key, so that what was decided stays so."""
    leg = world.leg
    if leg.at_provider == "none" or (again and not design.same_key_on_retry and leg.at_provider == "captured"):
        yield "captured", _with(world, at_provider="captured", captures=leg.captures + 1)
        if leg.at_provider == "none":
            yield "declined", _with(world, at_provider="declined")
    else:
        yield leg.at_provider, world


def _settle(world: World, design: Design, outcome: str) -> World:
    """Record at payments what the provider said, with its event. A payment is settled once."""
    if world.leg.payment != "pending":
        return world
    settled = _with(world, payment=outcome)
    return _emit(settled, f"payment {outcome}" if design.outbox else f"unsent payment {outcome}")


def _payment_loop(world: World, design: Design) -> Iterator[Step]:
    """What payments does about a charge without an answer, and orders about a payment that never got there."""
    leg = world.leg
    if not design.sweeper:
        return
    if leg.status == "payment_pending" and leg.payment == "none":
        yield "charge sent again by orders", _with(world, payment="pending")
    calling = any(at == "charging" or at.startswith("charged ") for at in (leg.request, leg.recovery))
    if leg.payment == "pending" and not calling:
        for outcome, after in _charge(world, again=True, design=design):
            yield f"charged again: {outcome}", _settle(after, design, outcome)
        if leg.at_provider == "none":
            refused = _with(world, at_provider="voided") if design.void_refuses_later else world
            yield "voided", _settle(refused, design, "voided")


def _late_messages(world: World, design: Design) -> Iterator[Step]:
    leg = world.leg
    if leg.late_reserve:
        _, after = _reserve(world, design)
        yield "late reservation arrives", _with(after, late_reserve=leg.late_reserve - 1)
    if leg.late_charge:
        for outcome, after in _charge(world, again=False, design=design):
            yield f"late charge arrives: {outcome}", _with(after, late_charge=leg.late_charge - 1)


# --- events ------------------------------------------------------------------------------------------------


def _events(world: World, design: Design) -> Iterator[Step]:
    leg = world.leg
    for event in sorted(set(leg.events)):
        rest = list(leg.events)
        rest.remove(event)
        without = _with(world, events=tuple(rest))
        if event.startswith("unsent "):  # published after the commit, and not with it
            yield "published", _emit(without, event.removeprefix("unsent "))
            if world.crashes:
                yield "crash before publishing", without._replace(crashes=world.crashes - 1)
            continue
        yield f"event {event}", _deliver(without, design, event)
        if world.duplicates:
            first = _deliver(without, design, event)
            again = "seen " + event if design.inbox else event
            yield f"event {event}, twice", _emit(first, again)._replace(duplicates=world.duplicates - 1)
        if world.crashes and not design.acknowledge_after_commit:
            yield f"event {event} lost", without._replace(crashes=world.crashes - 1)


def _deliver(world: World, design: Design, event: str) -> World:
    leg = world.leg
    if event.startswith("seen "):  # the inbox knows it
        return world
    if event == "order confirmed":
        return _sell(world, design)
    if event == "order rejected":
        return _release(world, design)
    if event == "order refund_due":
        if leg.refunds < leg.captures:
            return _with(world, refunds=leg.refunds + 1)
        return world
    outcome = event.removeprefix("payment ")
    if outcome != "captured":
        return _move(world, design, "rejected")
    if leg.status == "rejected" and design.compare_and_set:
        return _emit(world, "order refund_due") if design.refund_late_capture else world
    return _move(world, design, "confirmed")


def _sell(world: World, design: Design) -> World:
    if design.inbox and world.leg.reservation != "reserved":
        return world
    moved = world._replace(reserved=world.reserved - 1, sold=world.sold + 1)
    return _with(moved, reservation="sold")


def _release(world: World, design: Design) -> World:
    reservation = world.leg.reservation
    if reservation == "none":
        return _with(world, reservation="tombstone") if design.tombstones else world
    if design.inbox and reservation != "reserved":
        return world
    moved = world._replace(reserved=world.reserved - 1, available=world.available + 1)
    return _with(moved, reservation="released")


# --- crashes -----------------------------------------------------------------------------------------------


def _without_orders(leg: Leg) -> Leg:
    """Requests and recoveries die with their process; a request that had not begun is sent to the next one."""
    request = leg.request if leg.request in ("start", "done") else "dead"
    return leg._replace(request=request, recovery="off")


def _without_payments(leg: Leg) -> Leg:
    """Who waits for payments gets no answer, which means: pending. What the provider does, it does."""
    calling = [
        who for who in ("request", "recovery") if getattr(leg, who).startswith("charg") and leg.status == "placed"
    ]
    if not calling:
        return leg
    changes: dict[str, object] = {"status": "payment_pending"}
    for who in calling:
        if who == "request":
            changes |= {"request": "done", "answer": 202}
        else:
            changes["recovery"] = "off"
    return leg._replace(**changes)


DEATHS = {"orders dies": _without_orders, "payments dies": _without_payments}  # what each leaves of an order
