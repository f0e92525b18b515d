"""Every planted bug is found by the reconciler, under the promise it breaks; without the bug nothing is found."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from deploy.model.home import REPOSITORY
from loadtests.measure import evidence
from loadtests.measure.parties import Parties
from loadtests.measure.reconcile import Reconciliation, check, tell
from tests.arms import SERVICES, Arm
from tests.chaos.traffic import Witness
from tests.journeys.books import settle
from tests.journeys.opening import open_shop
from tests.journeys.waiting import until
from tests.mutants import in_cases, in_the_monolith, in_the_services
from tests.mutants.in_cases import CaseMutant
from tests.mutants.planting import Edit, Mutant, copy_of_the_code, copy_of_the_repository, edited, environment_of
from tests.mutants.scenarios import PRICE, SCENARIOS, Scenario, Story

MUTANTS = in_the_monolith.MUTANTS + in_the_services.MUTANTS
CONTROLS = sorted({(mutant.build, mutant.scenario) for mutant in MUTANTS})
PRODUCTS = 5
SLIP = re.compile(r"\b(?:NameError|UnboundLocalError|AttributeError|ImportError|TypeError|ProgrammingError)\b")
WHOLE_LOG = 1_000_000  # lines
QUICK: dict[str, str | None] = {"RECOVERY_AFTER_S": "3"}  # nobody wants to wait for what a mutant never does


class Theatre:
    """Plays a scenario on a build whose parts run a copy of the code, and reconciles."""

    def __init__(self, arm: Arm, folder: Path) -> None:
        self._arm, self._folder = arm, folder
        self._plain = copy_of_the_code(folder / "plain")
        self._parts = list(dict.fromkeys(arm.part_of(service) for service in SERVICES))
        self._settings: dict[str, dict[str, str | None]] = {}

    def play(
        self, name: str, scenario: Scenario, edits: Sequence[Edit] = (), service: str = "catalog"
    ) -> Reconciliation:
        """Play one scenario with these bugs in one service."""
        folder = self._folder / name.replace(" ", "-")
        changes = (*scenario.staged, *edits)
        copy = copy_of_the_code(folder / "code", changes) if changes else self._plain
        folder.mkdir(exist_ok=True)
        self._cast(scenario, copy, service)
        self._arm.runner.reset(PRODUCTS)
        with open_shop(self._arm) as shop:
            until("the shop is open", lambda: shop.http.get("/products").status_code == 200)
            calls = Witness(folder / "orders.jsonl")
            admin = shop.admin()
            sku = admin.stocks("VASE", stock=20, price=PRICE)
            scenario.act(Story(self._arm, shop, admin, calls, shop.customer("planted-paula"), sku))
            calls.close()
        waited_s = settle(self._arm, scenario.patience_s)
        return check(evidence.read(Parties.of(self._arm.runner), folder / "orders.jsonl"), waited_s)

    def slips(self, service: str) -> int:
        """Return how often the part of a service has logged that its own code cannot be run."""
        return len(SLIP.findall(self._arm.runner.logs(self._arm.part_of(service), WHOLE_LOG)))

    def close(self) -> None:
        """Let every part run the code of the work tree again."""
        for part in self._settings:
            self._set(part, {})

    def _cast(self, scenario: Scenario, copy: Path, service: str) -> None:
        """Give each part the code and the settings of this scenario; what runs with them already stays."""
        mutated = self._arm.part_of(service)
        for part in self._parts:
            target = QUICK | environment_of(copy if part == mutated else self._plain)
            for named, settings in scenario.settings.items():
                if self._arm.part_of(named) == part:
                    target |= settings
            self._set(part, target)
            if "CRASH_AT" in target:  # a scenario takes it back when it has done its work
                self._settings[part].pop("CRASH_AT")

    def _set(self, part: str, target: dict[str, str | None]) -> None:
        known = self._settings.get(part, {})
        if known != target:
            self._arm.runner.configure(part, dict.fromkeys(known) | target)
            self._settings[part] = dict(target)


@pytest.fixture(scope="module")
def theatres(arms: dict[str, Arm], tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Theatre]]:
    """A theatre on each build."""
    built = {
        name: Theatre(arms[name], tmp_path_factory.mktemp(f"mutants-{name}"))
        for name in ("monolith", "microservices")
        if name in arms
    }
    yield built
    for theatre in built.values():
        theatre.close()


def test_there_are_mutants_enough() -> None:
    assert len(MUTANTS) >= 12
    assert len({str(mutant) for mutant in MUTANTS}) == len(MUTANTS)


@pytest.mark.parametrize("mutant", [*MUTANTS, *in_cases.MUTANTS], ids=str)
def test_the_anchors_of_a_mutant_are_in_the_code(mutant: Mutant | CaseMutant) -> None:
    edits = (*SCENARIOS[mutant.scenario].staged, *mutant.edits) if isinstance(mutant, Mutant) else (mutant.edit,)
    files = {edit.file: (REPOSITORY / edit.file).read_text("utf-8") for edit in edits}

    for edit in edits:
        files[edit.file] = edited(files[edit.file], edit)

    for name, code in files.items():
        compile(code, name, "exec")
        assert not undefined_names(code), f"{name} of {mutant} would fail at its first use, and not by its bug"


def test_a_mutant_that_cannot_run_is_told_from_one_that_is_wrong() -> None:
    assert "no_such_name" in undefined_names("def charge():\n    return no_such_name\n")
    assert not undefined_names("def charge(amount):\n    return 2 * amount\n")
    assert SLIP.search('"exception": "Traceback ... TypeError: charge() takes 1 positional argument"')
    assert not SLIP.search('"message": "the loop settle failed (1 in a row)", Unavailable')


@pytest.mark.long
@pytest.mark.parametrize(("build", "name"), CONTROLS, ids=lambda value: value.replace(" ", "-"))
def test_without_a_mutant_nothing_is_found(theatres: dict[str, Theatre], build: str, name: str) -> None:
    outcome = _theatre(theatres, build).play(f"control {name}", SCENARIOS[name])

    assert outcome.is_clean, "\n".join(tell(outcome)[:60])


@pytest.mark.long
@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_mutant_is_caught_by_the_promise_it_breaks(theatres: dict[str, Theatre], mutant: Mutant) -> None:
    theatre = _theatre(theatres, mutant.build)

    slips = theatre.slips(mutant.service)

    outcome = theatre.play(mutant.name, SCENARIOS[mutant.scenario], mutant.edits, mutant.service)

    named = sorted({violation.promise for violation in outcome.violations})
    assert mutant.breaks in named, f"named were {named}\n" + "\n".join(tell(outcome)[:40])
    # A mutant that merely crashes would be caught, too, and prove nothing about the bug that it was to have.
    assert theatre.slips(mutant.service) == slips, f"{mutant} does not run; see the log of {mutant.service}"


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the whole work tree, whose tests run without touching ours."""
    return copy_of_the_repository(tmp_path_factory.mktemp("cases") / "repository")


@pytest.mark.long
@pytest.mark.parametrize("mutant", in_cases.MUTANTS, ids=str)
def test_a_mutant_of_a_case_is_caught_by_the_test_of_that_case(repository: Path, mutant: CaseMutant) -> None:
    file = repository / mutant.edit.file
    code = file.read_text("utf-8")
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-W", "ignore", mutant.file]

    file.write_text(edited(code, mutant.edit), "utf-8")
    try:
        outcome = subprocess.run(
            [*command, "-k", mutant.test], cwd=repository, env=os.environ | {"PYTHONPATH": str(repository)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    finally:
        file.write_text(code, "utf-8")

    assert outcome.returncode == pytest.ExitCode.TESTS_FAILED, outcome.stdout[-3000:] + outcome.stderr[-1000:]
    assert f"FAILED {mutant.file}::{mutant.test}" in outcome.stdout, outcome.stdout[-3000:]
    assert not SLIP.search(outcome.stdout), outcome.stdout[-3000:]


def undefined_names(code: str) -> str:
    """Return what is said about names that this code uses and nobody has defined; nothing if there are none."""
    command = [str(Path(sys.executable).with_name("ruff")), "check", "--isolated", "--quiet", "--select", "F821", "-"]
    return subprocess.run(command, input=code, capture_output=True, text=True, check=False).stdout


def _theatre(theatres: dict[str, Theatre], build: str) -> Theatre:
    if build not in theatres:
        pytest.skip(f"{build} is not among --arms")
    return theatres[build]
