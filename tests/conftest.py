"""Starts the arms that the collected tests need, once for the session, and stops them without leaving a process.

    pytest tests/journeys                                    all arms, started for the session
    pytest tests/journeys --arms monolith                    one arm, started for the session
    pytest tests/journeys --arms monolith-2-out              the monolith, with two of its modules moved out
    pytest tests/journeys -m core --running                  monolith and microservices, as `make up` left them
    pytest tests/journeys -m core --running --arms colocated

Stacks of a session have a state folder and ports (tests/ports.py) of their own, so that they never meet a developer's.
`--running` reads `TWINSHOP_HOME` and starts and stops nothing.
A test that asks for the fixture `arm` runs once on each arm; one that asks for `arms` gets all of them.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.arms import ARMS, STATES, Arm, OwnStacks, Session, already_running
from tests.ports import ARMS_SHIFT

MARKERS = (
    "on(arm): runs on this arm; on each test that asks for the fixture `arm`, see tests/shards.py",
    "core: the part of the journeys that `make demo` runs before it compares",
    "settlement: awaits what the provider left open; runs late, so that the waits are shared",
    "fault: changes how a part or the provider behaves; runs after the settlements",
    "books: counts stock and money after all that",
    "aftermath: does what the books cannot stand, such as emptying the provider's ledger",
)
LAST_FIRST = ("aftermath", "books", "fault", "settlement")

_session = pytest.StashKey[Session]()
_failed_arms = pytest.StashKey[set[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("twinshop")
    group.addoption("--arms", default="", help=f"arms to test, with commas between: {', '.join(ARMS)}")
    group.addoption("--running", action="store_true", help="use the stacks that `make up` started")


def pytest_configure(config: pytest.Config) -> None:
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    unknown = set(chosen_arms(config)) - {*ARMS, *STATES}
    if unknown:
        raise pytest.UsageError(
            f"--arms: there is no {', '.join(sorted(unknown))}; there are {', '.join([*ARMS, *STATES])}"
        )
    if len([name for name in chosen_arms(config) if name == "monolith" or name in STATES]) > 1:
        raise pytest.UsageError("--arms: the monolith and its states on the way out have the same ports: name one")


def chosen_arms(config: pytest.Config) -> tuple[str, ...]:
    """Return the names of the arms that this session tests."""
    named = tuple(filter(None, str(config.getoption("--arms")).split(",")))
    if named:
        return named
    return ("monolith", "microservices") if config.getoption("--running") else ARMS


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "arm" not in metafunc.fixturenames:
        return
    names = chosen_arms(metafunc.config)
    # Colocated runs the services' code: its own chaos is for the long test run.
    late = {"colocated"} if "chaos" in metafunc.definition.path.parts else set()
    marks = {name: [pytest.mark.on(arm=name), *([pytest.mark.long] if name in late else [])] for name in names}
    values = [pytest.param(name, marks=marks[name]) for name in names]
    metafunc.parametrize("arm", values, indirect=True, scope="session")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One arm after the other; within an arm, what is slow to settle late, then the faults, then the books."""

    def place(item: pytest.Item) -> tuple[int, int, int]:
        name = item.callspec.params.get("arm") if hasattr(item, "callspec") else None
        marks = [len(LAST_FIRST) - at for at, marker in enumerate(LAST_FIRST) if item.get_closest_marker(marker)]
        needs_stacks = "arms" in getattr(item, "fixturenames", ())
        chaos = "chaos" in item.path.parts
        order = 1 + ARMS.index(name) if name in ARMS else 0
        return int(needs_stacks) + int(chaos), order, max(marks, default=0)

    items.sort(key=place)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """An arm that did not start is an error once; its other tests are skipped."""
    params = getattr(getattr(item, "callspec", None), "params", {})
    failed = item.config.stash.get(_failed_arms, set())
    if params.get("arm") in failed:
        pytest.skip(f"{params['arm']} did not start: see the first error")
    if failed and "arms" in getattr(item, "fixturenames", ()):
        pytest.skip(f"{', '.join(sorted(failed))} did not start: see the first error")


@pytest.fixture(scope="session")
def stacks(request: pytest.FixtureRequest) -> Iterator[Session]:
    """The session's stacks: those that failed to start are among `failures`."""
    names = [name for name in chosen_arms(request.config) if _is_needed(request.session, name)]
    if request.config.getoption("--running"):
        yield already_running(names)
        return
    own = OwnStacks(ARMS_SHIFT)
    try:
        yield own.start(names)
    finally:
        own.stop()


@pytest.fixture(scope="session")
def arm(request: pytest.FixtureRequest, stacks: Session) -> Arm:
    """One running arm."""
    name: str = request.param
    if name in stacks.failures:
        request.config.stash.setdefault(_failed_arms, set()).add(name)
        pytest.fail(f"{name} did not start.\n{stacks.failures[name]}", pytrace=False)
    return stacks.running[name]


@pytest.fixture(scope="session")
def arms(stacks: Session) -> dict[str, Arm]:
    """All arms, by name."""
    if stacks.failures:
        pytest.fail("\n".join(f"{name} did not start.\n{why}" for name, why in stacks.failures.items()), pytrace=False)
    return stacks.running


def _is_needed(session: pytest.Session, name: str) -> bool:
    for item in session.items:
        if "arms" in getattr(item, "fixturenames", ()):
            return True
        if getattr(getattr(item, "callspec", None), "params", {}).get("arm") == name:
            return True
    return False
