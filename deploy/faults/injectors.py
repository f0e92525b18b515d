"""How each fault is done: each way starts it and returns what undoes it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping

from deploy.envoy import faults as links
from deploy.faults import connections, full_disk, injected_faults, outside, read_only
from deploy.faults.proxy import NONE, Trouble
from deploy.faults.vocabulary import MODULES, Fault, NoSuchFault, part_of, target_of
from deploy.model.errors import DeployError
from deploy.model.parts import Part
from deploy.runner.interface import Runner

Heal = Callable[[], None]
Parameters = Mapping[str, float]
Injector = Callable[[Runner, Fault, str, Parameters], Heal]

POISON = "poisonedbook"
CLOCK = "CLOCK_OFF_S"
INNER = ("catalog", "payments", "notifications")  # what services call through the inner listeners


def _nothing() -> None:
    """It heals by itself."""


def _crash(runner: Runner, _: Fault, part: str, __: Parameters) -> Heal:
    runner.kill(target_of(runner.stack, part))
    return _nothing


def _restart(runner: Runner, _: Fault, part: str, __: Parameters) -> Heal:
    runner.restart(target_of(runner.stack, part))
    return _nothing


def _hold(runner: Runner, fault: Fault, part: str, _: Parameters) -> Heal:
    target = target_of(runner.stack, part)
    runner.hold(target, kill=bool(fault.settings.get("kill")))
    return lambda: runner.release(target)


def _pause(runner: Runner, _: Fault, part: str, __: Parameters) -> Heal:
    target = target_of(runner.stack, part)
    runner.pause(target)
    return lambda: runner.resume(target)


def _full_disk(runner: Runner, _: Fault, part: str, __: Parameters) -> Heal:
    database = _database(runner, part)
    full_disk.fill(runner, database)

    def heal() -> None:
        full_disk.clear(runner, database)

    return heal


def _read_only(runner: Runner, _: Fault, part: str, __: Parameters) -> Heal:
    database = _database(runner, part)
    read_only.begin(runner, database)
    return lambda: read_only.end(runner, database)


def _identity(runner: Runner, _: Fault, __: str, ___: Parameters) -> Heal:
    outside.set_identity_away(runner.site, away=True)
    return lambda: outside.set_identity_away(runner.site, away=False)


def _database(runner: Runner, part: str) -> Part:
    database = part_of(runner.stack, f"{part}-db" if part in MODULES else part)
    if database.kind != "postgres":
        names = ", ".join(one.name for one in runner.stack.parts if one.kind == "postgres")
        raise NoSuchFault(f"{database.name} is no database; there is {names}.")
    return database


def _cut(runner: Runner, _: Fault, part: str, __: Parameters) -> Heal:
    return _on_link(runner, part, links.cut)


def _delay(runner: Runner, _: Fault, part: str, parameters: Parameters) -> Heal:
    return _on_link(runner, part, lambda caller, name: links.delay(caller, name, int(parameters["ms"])))


def _drop(runner: Runner, _: Fault, part: str, parameters: Parameters) -> Heal:
    percent = int(parameters["percent"])
    return _on_link(runner, part, lambda caller, name: links.delay(caller, name, links.LONGEST_DELAY_MS, percent))


def _on_link(runner: Runner, part: str, keys: Callable[[str, str], dict[str, str]]) -> Heal:
    """The way from the services to a part that services call, else from the customers to it."""
    name = part_of(runner.stack, part).name
    if runner.stack.part(name).kind != "app":
        raise NoSuchFault(f"No HTTP goes to {name}: `stop` it, or `pause` it.")
    has_inner = name in INNER and name in runner.stack.part("edge").ports
    caller = links.SERVICES if has_inner else links.CUSTOMER
    runner.set_runtime(keys(caller, name))
    return lambda: runner.set_runtime(links.healthy(caller, name))


def _connection(runner: Runner, fault: Fault, part: str, parameters: Parameters) -> Heal:
    """The part is started again for it, and once more when it is healed, unless its connections are redirected."""
    trouble = Trouble(
        latency_ms=parameters.get("ms", 0),
        bytes_per_s=parameters.get("kb_s", 0) * 1000,
        limit_bytes=int(parameters.get("bytes", 0)),
        reset=fault.name == "tcp-reset",
        swallow=fault.name == "tcp-half-open",
        first=int(parameters["first"]),
    )
    targets = connections.select(runner, part)
    fresh = connections.redirect(runner, targets)
    try:
        connections.set_trouble(runner, targets, trouble)
    except DeployError:
        connections.restore(runner, fresh)
        raise

    def heal() -> None:
        connections.set_trouble(runner, targets, NONE)
        connections.restore(runner, fresh)

    return heal


def _provider(runner: Runner, fault: Fault, _: str, parameters: Parameters) -> Heal:
    merchant = runner.stack.merchant
    outside.set_provider_behaviour(runner.site, merchant, outside.provider_behaviour(fault.name, parameters))
    return lambda: outside.heal_provider(runner.site, merchant)


def _mail(runner: Runner, _: Fault, __: str, parameters: Parameters) -> Heal:
    outside.set_mail_delay(runner.site, parameters["ms"])
    return lambda: outside.set_mail_delay(runner.site, 0)


def _injected_fault(runner: Runner, fault: Fault, module: str, parameters: Parameters) -> Heal:
    _require_module(module)
    injected_faults.arm(runner, part_of(runner.stack, module).name)
    if fault.name == "cpu-hog":
        settings = {"hog_ms": parameters["ms"]}
    else:
        settings = {"leak_mb": int(parameters["mb"]), "memory_limit_mb": parameters["limit_mb"]}
    before = injected_faults.set_fault(runner, module, settings)

    def heal() -> None:
        injected_faults.set_fault(runner, module, before)

    return heal


def _clock(runner: Runner, _: Fault, part: str, parameters: Parameters) -> Heal:
    """The part comes up again with a wrong clock, as on a machine that lost its time server."""
    name = part_of(runner.stack, part).name
    if runner.stack.part(name).kind != "app":
        raise NoSuchFault(f"{name} is no program of ours: only an application's clock can be set wrong.")
    runner.configure(name, {CLOCK: str(parameters["s"])})
    return lambda: runner.configure(name, {CLOCK: None})


def _poison(runner: Runner, _: Fault, module: str, parameters: Parameters) -> Heal:
    """The only request that anybody may send without a token is a search: poison is for the catalog."""
    if module != "catalog":
        raise NoSuchFault("The poison request is a search: --part catalog.")
    injected_faults.arm(runner, part_of(runner.stack, module).name)
    injected_faults.set_fault(runner, module, {"poison": POISON})
    enough = threading.Event()

    def keep_asking() -> None:
        while not enough.is_set():
            outside.search(runner.address, POISON)
            enough.wait(parameters["every_s"])

    sender = threading.Thread(target=keep_asking, name="poison", daemon=True)
    sender.start()

    def heal() -> None:
        enough.set()
        injected_faults.set_fault(runner, module, {})
        sender.join(outside.TIMEOUT_S)

    return heal


def _poison_message(runner: Runner, _: Fault, __: str, parameters: Parameters) -> Heal:
    asyncio.run(_publish(runner.stack.broker_url, int(parameters["count"])))
    return _nothing


async def _publish(url: str, count: int) -> None:
    import nats  # noqa: PLC0415  (only needed here, and not light)

    from shared.contract.events import subject_of  # noqa: PLC0415

    try:
        client = await nats.connect(url, connect_timeout=2, allow_reconnect=False)
    except (OSError, nats.errors.Error) as error:
        raise DeployError(f"The broker cannot be reached: {error}") from error
    try:
        for _ in range(count):
            await client.jetstream().publish(subject_of("order.confirmed"), b"no event at all")
    finally:
        await client.close()


def _require_module(module: str) -> None:
    if module not in MODULES:
        raise NoSuchFault(f"'{module}' is no module; there are {', '.join(MODULES)}.")


INJECTORS: dict[str, Injector] = {
    "crash": _crash,
    "restart": _restart,
    "hold": _hold,
    "pause": _pause,
    "full_disk": _full_disk,
    "read_only": _read_only,
    "cut": _cut,
    "delay": _delay,
    "drop": _drop,
    "connection": _connection,
    "provider": _provider,
    "mail": _mail,
    "identity": _identity,
    "injected_fault": _injected_fault,
    "clock": _clock,
    "poison": _poison,
    "poison_message": _poison_message,
}
