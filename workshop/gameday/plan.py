"""What a game day's plan is: the load, the steps with their faults and hypotheses, and when to abort."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from deploy.faults import connections, find
from deploy.faults.vocabulary import MODULES, part_of
from deploy.model.errors import DeployError
from deploy.model.parts import Secrets, Site, Stack
from deploy.model.topology import stack
from loadtests.load import conditions
from loadtests.load.conditions import Condition
from loadtests.load.generator import profile
from loadtests.load.users.traffic import DEFAULT_MIX, MIXES

Build = Literal["monolith", "microservices"]
BUILDS: tuple[Build, ...] = ("monolith", "microservices")
TRIES = 200  # to place a random fault where nothing else strikes the same thing
LONGEST_S = 3600.0
ANYWHERE = Site(Secrets(b""), keys="", data="")  # to ask a topology which parts there are
# What takes a process away, so that nothing else can be done to it meanwhile.
TAKES_AWAY = frozenset({"crash", "hold", "pause", "restart", "clock"})

Seconds = Annotated[float, Field(ge=0, le=LONGEST_S)]
Expected = Annotated[Condition, BeforeValidator(lambda text: conditions.parse(str(text)))]
Expectations = Annotated[
    dict[Literal["both", "monolith", "microservices"], list[Expected]],
    BeforeValidator(lambda value: {"both": value} if isinstance(value, list) else value),
]


class Strict(BaseModel):
    """A part of a plan; it has no fields but these."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class LoadPlan(Strict):
    """What is sent to each build: open arrivals, as `twinshop load` sends them."""

    profile: Annotated[str, BeforeValidator(lambda text: str(_profile(str(text))))]
    mix: Literal[tuple(MIXES)] = DEFAULT_MIX  # type: ignore[valid-type]
    payment_methods: dict[str, Annotated[float, Field(gt=0)]] = {"pm_ok": 1.0}

    @property
    def duration_s(self) -> float:
        """How long the load lasts."""
        return profile.parse(self.profile).duration_s


class Strike(Strict):
    """A fault, where it strikes, and what customers are expected to meet meanwhile."""

    name: Annotated[str, Field(min_length=1, max_length=80)]
    fault: str
    part: str = ""
    set: dict[str, float] = {}
    builds: Annotated[tuple[Build, ...], Field(min_length=1)] = BUILDS
    expect: Expectations = {}

    @model_validator(mode="after")
    def _can_be_done(self) -> Strike:
        try:
            fault = find(self.fault)
            if unknown := sorted({*self.set} - {*fault.parameters}):
                allowed = ", ".join(fault.parameters) or "no parameters"
                raise ValueError(f"{fault.name} has {allowed}, not {', '.join(unknown)}")
            if fault.where not in ("outside", "broker") and not self.part:
                raise ValueError(f"{fault.name} needs a part: `part: payments`, for instance")
            if fault.where == "module" and self.part not in MODULES:
                raise ValueError(f"{fault.name} strikes a module: {', '.join(MODULES)}")
            for build in self.builds:
                struck_by(self, build)
        except DeployError as error:
            raise ValueError(str(error)) from None
        return self

    def expected_of(self, build: Build) -> Sequence[Condition]:
        """Return the hypotheses about one build: those about both, and its own."""
        return [*self.expect.get("both", ()), *self.expect.get(build, ())]


class Step(Strike):
    """A strike on the clock of the load."""

    at_s: Seconds
    for_s: Annotated[float, Field(gt=0, le=LONGEST_S)]

    @property
    def ends_s(self) -> float:
        """When it is healed."""
        return self.at_s + self.for_s


class Chance(Strict):
    """Strikes at random moments for a random while, each drawn from the list; the plan's seed decides."""

    count: Annotated[int, Field(ge=1, le=100)]
    from_s: Seconds
    to_s: Seconds
    hold_s: tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(le=LONGEST_S)]]
    strikes: Annotated[list[Strike], Field(min_length=1)]

    @model_validator(mode="after")
    def _has_room(self) -> Chance:
        if not self.from_s + self.hold_s[1] <= self.to_s or self.hold_s[0] > self.hold_s[1]:
            raise ValueError("from_s plus the longest hold_s has to be before to_s, and hold_s is [shortest, longest]")
        return self


class Abort(Strict):
    """What must not be: once it has been so in any build for `for_s` seconds, all is healed and the day is over."""

    when: Expected
    for_s: Annotated[float, Field(ge=1, le=60)] = 3.0


class Plan(Strict):
    """A game day. `steps` are scripted, `chance` adds others; both may overlap, where they do not undo each other."""

    title: Annotated[str, Field(min_length=1, max_length=80)]
    about: Annotated[str, Field(max_length=1000)] = ""
    seed: Annotated[int, Field(ge=0)] = 8001
    load: LoadPlan
    abort: Annotated[list[Abort], Field(min_length=1)]
    steps: list[Step] = []
    chance: Chance | None = None

    @model_validator(mode="after")
    def _fits(self) -> Plan:
        if not self.steps and not self.chance:
            raise ValueError("a plan has steps, or chance, or both: nothing would happen")
        for step in self.schedule():
            if step.ends_s > self.load.duration_s:
                raise ValueError(f"'{step.name}' is healed at {step.ends_s:g} s, and the load has ended at "
                                 f"{self.load.duration_s:g} s")  # fmt: skip
        for one, other in combinations(self.steps, 2):
            if _undo_each_other(one, other):
                raise ValueError(f"'{one.name}' and '{other.name}' strike the same thing at the same time: healing one "
                                 "would heal the other")  # fmt: skip
        return self

    def schedule(self, seed: int | None = None) -> list[Step]:
        """Return all steps in the order in which they begin; the same seed draws the same ones."""
        steps: list[Step] = list(self.steps)
        if self.chance is not None:
            dice = random.Random(self.seed if seed is None else seed)
            for _ in range(self.chance.count):
                steps.append(_draw(dice, self.chance, steps))
        return sorted(steps, key=lambda step: (step.at_s, step.name))

    def at_pace(self, pace: float) -> Plan:
        """Return the plan with all its times multiplied; rates stay."""
        load = profile.Profile(tuple(
            profile.Segment(one.from_rate, one.to_rate, one.duration_s * pace)
            for one in profile.parse(self.load.profile).segments
        ))  # fmt: skip
        changed: dict[str, object] = {"load": self.load.model_copy(update={"profile": str(load)})}
        changed["steps"] = [
            step.model_copy(update={"at_s": step.at_s * pace, "for_s": step.for_s * pace}) for step in self.steps
        ]
        if self.chance:
            low, high = self.chance.hold_s
            times = {"from_s": self.chance.from_s * pace, "to_s": self.chance.to_s * pace,
                     "hold_s": (low * pace, high * pace)}  # fmt: skip
            changed["chance"] = self.chance.model_copy(update=times)
        return self.model_copy(update=changed)


def struck_by(strike: Strike, build: Build) -> tuple[str, frozenset[str]]:
    """Return the part of a build that is struck (empty for the outside world), and what exactly of it.

    Raises DeployError where this build has no such thing.
    """
    fault, shop = find(strike.fault), stack(build, ANYWHERE)
    if fault.where == "outside":
        return "", frozenset({fault.injector})
    if fault.where == "broker":
        if not shop.broker_url:
            raise DeployError(f"the {build} has no broker: `builds: [microservices]`")
        return "broker", frozenset({"broker"})
    if fault.where == "connection":
        targets = connections.select_from(strike.part, shop, connections.opened_by(shop.parts))
        return targets[0].part, frozenset(f"{one.part} {one.kind}" for one in targets)
    part = _part(shop, strike)
    return part, frozenset({f"{strike.part} {fault.injector}" if fault.where == "module" else part})


def _part(shop: Stack, strike: Strike) -> str:
    is_database = find(strike.fault).injector in ("full_disk", "read_only")
    return part_of(shop, f"{strike.part}-db" if is_database and strike.part in MODULES else strike.part).name


def _undo_each_other(one: Step, other: Step) -> bool:
    if one.ends_s <= other.at_s or other.ends_s <= one.at_s:
        return False
    takes_away = any(find(step.fault).injector in TAKES_AWAY for step in (one, other))
    for build in {*one.builds} & {*other.builds}:
        (part, what), (other_part, other_what) = struck_by(one, build), struck_by(other, build)
        if what & other_what or (takes_away and part == other_part):
            return True
    return False


def _draw(dice: random.Random, chance: Chance, already: Sequence[Step]) -> Step:
    for _ in range(TRIES):
        strike, for_s = dice.choice(chance.strikes), round(dice.uniform(*chance.hold_s), 1)
        at_s = round(dice.uniform(chance.from_s, chance.to_s - for_s), 1)
        step = Step.model_construct(**{**dict(strike), "at_s": at_s, "for_s": for_s})
        if not any(_undo_each_other(step, other) for other in already):
            return step
    raise ValueError(f"{chance.count} random strikes do not fit between {chance.from_s:g} and {chance.to_s:g} s beside "
                     "each other: fewer of them, shorter ones, or more kinds")  # fmt: skip


def _profile(text: str) -> profile.Profile:
    return profile.parse(text)


ALLOWED: Mapping[str, type[Strict]] = {
    "": Plan, "load": LoadPlan, "abort": Abort, "steps": Step, "chance": Chance, "strikes": Strike,
}  # fmt: skip
