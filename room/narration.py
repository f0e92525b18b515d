"""What is going on, in words: by plain rules from the faults that are on, the states of parts, and the last figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from deploy.faults.notes import FaultNote

MANY, SOME = 0.5, 0.05  # shares of requests
SLOW_MS = 1000.0
AFTERWARDS_MS = 15_000  # so long a trouble that is over is still spoken of
WHERE = {"monolith": "the monolith", "microservices": "the services"}
STATES = {"held": "was taken down", "paused": "was frozen", "backing off": "died", "starting": "began to start"}
# By the faults' names; {part} is what was struck.
PHRASES = {
    "crash": "{part} was killed",
    "kill": "{part} was killed",
    "stop": "{part} was stopped",
    "pause": "{part} was frozen",
    "restart": "{part} was restarted",
    "disk-full": "{part} stopped taking rows",
    "read-only": "{part} stopped taking writes",
    "broker-away": "the broker was killed",
    "cut": "the way to {part} was cut",
    "delay": "the way to {part} became slow",
    "drop": "requests to {part} began to get lost",
    "tcp-latency": "connections of {part} became slow",
    "tcp-bandwidth": "connections of {part} became narrow",
    "tcp-reset": "connections of {part} began to be reset",
    "tcp-half-open": "packets of {part} began to vanish",
    "tcp-limited": "connections of {part} began to end early",
    "provider-slow": "the payment provider became slow",
    "provider-failing": "the payment provider began to fail",
    "provider-hanging": "the payment provider stopped answering",
    "provider-times-out": "the payment provider began to take money without an answer",
    "provider-webhooks": "the payment provider began to send its webhooks late and several times",
    "mail-slow": "the mail server became slow",
    "identity-away": "the identity provider's keys went away",
    "cpu-hog": "{part} began to burn CPU",
    "memory-leak": "{part} began to leak memory",
    "clock-off": "the clock of {part} went wrong",
    "poison-request": "requests began to kill {part}",
    "poison-message": "an event arrived that nobody can read",
}

Look = Mapping[str, Any]
Fault = Mapping[str, Any]  # as faults_on tells it
States = Mapping[str, Mapping[str, str]]  # of replicas, by stack
Story = dict[str, Any]  # happened, at (epoch ms, or None), now


class Narrator:
    """Remembers since when parts are in trouble, and when the last trouble ended."""

    def __init__(self) -> None:
        self._since: dict[str, int] = {}
        self._over_at = 0

    def tell(self, at: int, faults: Sequence[Fault], looks: Mapping[str, Look], states: States) -> Story:
        """Return what has happened, when, and what customers meet now; `at` is now in epoch ms."""
        trouble = [(_happened(one), one["at"]) for one in faults] or self._states(at, looks, states)
        if trouble:
            self._over_at = at
            happened, began_at = trouble[0]
            more = f", and {len(trouble) - 1} more" if len(trouble) > 1 else ""
            return {"happened": _sentence(happened) + more, "at": began_at, "now": customers(looks, troubled=True)}
        if not any(look.get("up") for look in looks.values()):
            return {"happened": "Both shops are down", "at": None, "now": "`twinshop up` starts them"}
        if at - self._over_at < AFTERWARDS_MS:
            return {"happened": "The trouble ended", "at": self._over_at, "now": customers(looks, troubled=False)}
        return {"happened": "All is well", "at": None, "now": customers(looks, troubled=False)}

    def _states(self, at: int, looks: Mapping[str, Look], states: States) -> list[tuple[str, int]]:
        """Return (what, since when) of each part that is in trouble though no fault was noted."""
        troubles = [
            f"in {WHERE[stack]} {_part(instance)} {STATES[state]}"
            for stack, instances in states.items()
            for instance, state in instances.items()
            if state in STATES
        ]
        if any(look.get("up") for look in looks.values()):
            troubles += [f"{WHERE[stack]} went down" for stack, look in looks.items() if not look.get("up")]
        self._since = {one: self._since.get(one, at) for one in troubles}
        return sorted(self._since.items(), key=lambda item: -item[1])


def faults_on(notes: Iterable[FaultNote]) -> list[Fault]:
    """Return each fault once, wherever it is: name, part, stacks, and from when to when in epoch ms."""
    notes_by_fault: dict[tuple[str, str], list[FaultNote]] = {}
    for note in notes:
        notes_by_fault.setdefault((note.fault, note.part), []).append(note)
    return [
        {"name": name, "part": part, "stacks": sorted({one.stack for one in same}),
         "at": round(min(one.began_at for one in same) * 1000), "ends": round(max(one.ends_at for one in same) * 1000)}
        for (name, part), same in notes_by_fault.items()
    ]  # fmt: skip


def _happened(fault: Fault) -> str:
    where = f"in {WHERE[fault['stacks'][0]]} " if len(fault["stacks"]) == 1 else ""
    return where + PHRASES[fault["name"]].format(part=_part(fault["part"]))


def _part(name: str) -> str:
    base, _, kind = name.partition(".")[0].partition(":")
    words = "the database" if base == "db" else f"the database of {base[:-3]}" if base.endswith("-db") else base
    words = f"the {words}" if words in ("broker", "edge") else words
    return f"{words} ({kind})" if kind else words


def customers(looks: Mapping[str, Look], *, troubled: bool) -> str:
    """Return what those who order and those who browse meet, in each shop that somebody asks."""
    traffic = {stack: look["recent"] for stack, look in looks.items() if look.get("up") and look.get("recent")}
    orders = {stack: words for stack, recent in traffic.items() if (words := _orders(recent["orders"]))}
    pages = {
        stack: predicate for stack, recent in traffic.items() if (predicate := _pages(recent["browsing"], troubled))
    }
    if not orders and not pages:
        return "nobody is buying"
    return "; ".join(filter(None, (_of_each("orders", orders), _of_each("browsing", pages))))


def _orders(recent: Look) -> str:
    if not recent["answered"]:
        return "get no answer" if recent["asked"] else ""
    for count, verb in (("failed", "fail"), ("pending", "wait as payment pending")):
        share = recent[count] / recent["answered"]
        if share >= SOME:
            return verb if share >= MANY else f"partly {verb}"
    return _slow("take", recent["p99"]) or "are confirmed"


def _pages(recent: Look, troubled: bool) -> str:
    if not recent["answered"]:
        return "gets no answer" if recent["asked"] else ""
    share = recent["failed"] / recent["answered"]
    if share >= SOME:
        return "fails" if share >= MANY else "partly fails"
    return _slow("takes", recent["p99"]) or ("is unaffected" if troubled else "works")


def _slow(verb: str, p99_ms: float | None) -> str:
    return f"{verb} up to {p99_ms / 1000:.0f} s" if p99_ms is not None and p99_ms >= SLOW_MS else ""


def _of_each(subject: str, predicates: Mapping[str, str]) -> str:
    if len(predicates) > 1 and len({*predicates.values()}) == 1:
        return f"{subject} in both shops {next(iter(predicates.values()))}"
    return (
        f"{subject} " + " and ".join(f"in {WHERE[stack]} {predicate}" for stack, predicate in predicates.items())
        if predicates
        else ""
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
