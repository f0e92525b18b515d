"""A case: which mystery is on and where, how much was asked, and what it is worth. It is kept sealed."""

from __future__ import annotations

import base64
import json
import random
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from deploy.faults.vocabulary import FAULTS
from deploy.model.errors import DeployError
from deploy.model.home import Home, read_json, write_atomically, writing
from workshop.mystery.mysteries import MYSTERIES, Mystery
from workshop.progress import folder_of, now

POINTS, HINT_COSTS, WRONG_COSTS = 100, 15, 20
PAIR = ("monolith", "microservices")
WHERE = {"monolith": PAIR[:1], "microservices": PAIR[1:], "services": PAIR[1:], "both": PAIR}


class NoMystery(DeployError):
    """Nothing is on, or something is already."""


@dataclass
class Case:
    """One mystery, in one build or both."""

    name: str
    builds: tuple[str, ...]
    seed: int
    began_at: str
    hints: int = 0
    wrong: int = 0
    healed: bool = False  # by `twinshop heal`: what is seen now is a shop that is well

    @property
    def mystery(self) -> Mystery:
        """What is broken."""
        return MYSTERIES[self.name]

    @property
    def points(self) -> int:
        """What an answer would be worth now."""
        return max(0, POINTS - self.hints * HINT_COSTS - self.wrong * WRONG_COSTS)

    def judge(self, answer: str) -> tuple[bool, bool]:
        """Return whether an answer names what is broken, and in which builds. Raises DeployError if it is none."""
        fault, part, builds = read_answer(answer)
        base, _, kind = self.mystery.part.partition(":")
        parts = {self.mystery.part, base, f"{base}-db"} if base else {""}
        if self.builds == ("monolith",) and FAULTS[self.mystery.fault].where != "module" and base:
            parts |= {"web", "db", f"web:{kind}"}  # one process, one database: there is no other part to name
        return fault == self.mystery.fault and part in parts, builds == self.builds


def draw(seed: int, up: Sequence[str]) -> Case:
    """Return the case of a seed, for the shops that are up."""
    dice = random.Random(seed)
    mystery = dice.choice(list(MYSTERIES.values()))
    choices = [(name,) for name in PAIR if name in up] + ([PAIR] if set(PAIR) <= set(up) else [])
    builds = dice.choice(choices)
    if FAULTS[mystery.fault].injector == "mail" and set(PAIR) <= set(up):
        builds = PAIR  # there is one mail server
    return Case(mystery.name, tuple(builds), seed, now())


def read_answer(answer: str) -> tuple[str, str, tuple[str, ...]]:
    """Return fault, part and builds of `disk-full orders monolith`, in any order. Raises DeployError."""
    words = answer.lower().replace(",", " ").split()
    possible = {mystery.fault for mystery in MYSTERIES.values()}  # a fault that no mystery has costs nobody points
    faults, builds = [word for word in words if word in possible], [word for word in words if word in WHERE]
    others = [word for word in words if word not in possible and word not in WHERE]
    if len(faults) != 1 or len(builds) != 1 or len(others) > 1:
        raise DeployError(
            f"'{answer}' is no answer. Name a fault, what it strikes, and where: 'disk-full orders monolith'. "
            f"There are {', '.join(MYSTERIES)}; and {', '.join(WHERE)}."
        )
    return faults[0], others[0] if others else "", WHERE[builds[0]]


class Desk:
    """Where the case of a state folder is kept, so that no other command tells what it is."""

    def __init__(self, home: Home) -> None:
        self._path = folder_of(home) / "mystery.json"

    def open_case(self) -> Case | None:
        """Return the case that is on."""
        content = read_json(self._path)
        if not content:
            return None
        try:
            fields = json.loads(zlib.decompress(base64.b64decode(content["sealed"])))
            return Case(**{**fields, "builds": tuple(fields["builds"])})
        except (KeyError, TypeError, ValueError, zlib.error):
            raise NoMystery(f"{self._path} is damaged: delete it, and `twinshop heal`.") from None

    def require(self) -> Case:
        """Return the case that is on. Raises NoMystery."""
        case = self.open_case()
        if case is None:
            raise NoMystery("No mystery is on: `twinshop mystery` begins one.")
        return case

    def healed_by_hand(self) -> bool:
        """Note that `twinshop heal` has healed what is on; return whether anything was."""
        case = self.open_case()
        if case is not None:
            case.healed = True
            self.keep(case)
        return case is not None

    def keep(self, case: Case) -> None:
        """Write it down."""
        sealed = base64.b64encode(zlib.compress(json.dumps(asdict(case)).encode())).decode()
        with writing(self._path.parent):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self._path, json.dumps({"sealed": sealed}) + "\n")

    def close(self) -> None:
        """Forget it."""
        self._path.unlink(missing_ok=True)
