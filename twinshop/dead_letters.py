"""The command `twinshop dead-letters`: what consumers have set aside, to look at, to send again, or to drop."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError
from rich.table import Table

from deploy.model.errors import DeployError
from deploy.model.parts import Stack
from deploy.runner.broker import with_broker
from deploy.runner.console import console
from shared.contract.events import DEAD_STREAM, DEAD_SUBJECT_PREFIX, REASON_HEADER, SUBJECT_HEADER
from twinshop.stacks import Choice, StackOption

SHOWN_BYTES = 200


class Action(StrEnum):
    """What to do with them."""

    show = "show"
    retry = "retry"
    drop = "drop"


@dataclass(frozen=True)
class DeadLetter:
    """A message that a consumer has set aside. `subject` is the one that it was published on; empty: not known."""

    number: int
    consumer: str
    subject: str
    reason: str
    set_aside_at: datetime | None
    data: bytes


def dead_letters(
    step: Annotated[Action, typer.Argument(help="show them, retry (publish again and remove), or drop.")] = Action.show,
    number: Annotated[int, typer.Argument(help="Only the letter of this number; 0: all.", min=0)] = 0,
    stack: StackOption = Choice.both,
) -> None:
    """Show what consumers have set aside; send it again once its cause is mended, or drop it."""
    with_broker = [runner.stack for runner in stack.running if runner.stack.broker_url]
    if not with_broker:
        raise DeployError("No shop that is up has a broker, and only a broker has dead letters: `twinshop up` first.")
    for one in with_broker:
        letters = [letter for letter in read(one) if number in (0, letter.number)]
        if number and not letters:
            raise DeployError(f"{one.name} has no dead letter {number}: `twinshop dead-letters` shows those there are.")
        if step == Action.show or not letters:
            console.print(_table(one.name, letters) if letters else f"{one.name}: no dead letters.")
            continue
        remove(one, letters, send_again=step == Action.retry)
        outcome = "sent again" if step == Action.retry else "dropped"
        console.print(f"{one.name}: {len(letters)} {outcome}.")


def read(stack: Stack) -> list[DeadLetter]:
    """Return all dead letters of a stack, oldest first. Raises DeployError if its broker is away."""

    async def letters(jetstream: JetStreamContext) -> list[DeadLetter]:
        try:
            state = (await jetstream.stream_info(DEAD_STREAM)).state
        except NotFoundError:  # no service has been there yet
            return []
        rows = []
        for number in range(state.first_seq, state.last_seq + 1):
            try:
                message = await jetstream.get_msg(DEAD_STREAM, number)
            except NotFoundError:  # dealt with already
                continue
            headers = message.headers or {}
            rows.append(
                DeadLetter(
                    number,
                    (message.subject or "").removeprefix(DEAD_SUBJECT_PREFIX),
                    headers.get(SUBJECT_HEADER, ""),
                    headers.get(REASON_HEADER, ""),
                    message.time,
                    message.data or b"",
                )
            )
        return rows

    return with_broker(stack.broker_url, letters)


def remove(stack: Stack, letters: list[DeadLetter], *, send_again: bool) -> None:
    """Remove dead letters, published again before that if asked for: who has handled it already knows its id.

    Raises DeployError if the broker is away, or for a letter that does not say where it was published.
    """
    unknown = [letter.number for letter in letters if send_again and not letter.subject]
    if unknown:
        raise DeployError(
            f"{stack.name}: letter {unknown[0]} does not say where it was published: a version before this one set it "
            f"aside. Drop it with `twinshop dead-letters drop {unknown[0]}`."
        )

    async def one_by_one(jetstream: JetStreamContext) -> None:
        for letter in letters:
            if send_again:
                await jetstream.publish(letter.subject, letter.data)
            await jetstream.delete_msg(DEAD_STREAM, letter.number)

    with_broker(stack.broker_url, one_by_one)


def _table(name: str, letters: list[DeadLetter]) -> Table:
    table = Table("number", "consumer", "subject", "reason", "set aside (UTC)", "data", title=f"{name}: dead letters")
    for letter in letters:
        when = letter.set_aside_at.astimezone(UTC).isoformat(" ", "seconds") if letter.set_aside_at else ""
        data = letter.data[:SHOWN_BYTES].decode("utf-8", errors="backslashreplace")
        table.add_row(str(letter.number), letter.consumer, letter.subject, letter.reason, when, data)
    return table
