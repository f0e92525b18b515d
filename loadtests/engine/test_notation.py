"""How arms are written: what each form means, and what is message of one that is wrong."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from deploy.model.errors import DeployError
from deploy.model.home import REPOSITORY
from loadtests.conftest import Shop, free_port
from loadtests.engine import commits, notation
from loadtests.engine.arm import ArmSpec
from loadtests.engine.fresh_start import places_of

TOKEN = "header:Authorization: Bearer abc"


@pytest.fixture
def arms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., list[ArmSpec]]]:
    """What makes arms of texts, in a state folder of its own."""
    monkeypatch.setenv("TWINSHOP_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("TWINSHOP_ON", raising=False)
    with ExitStack() as opened:
        yield lambda *texts, tokens=(): notation.arms(texts, tokens, opened)


@pytest.fixture
def history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with two commits, of which the first has no monolith."""
    folder = tmp_path / "repository"

    def git(*arguments: str) -> None:
        own = ("-c", "user.name=Nobody", "-c", "user.email=nobody@twinshop.example")
        subprocess.run(["git", "-C", str(folder), *own, *arguments], check=True, capture_output=True)

    for package in ("monolith", "shared"):
        (folder / package).mkdir(parents=True)
    (folder / "requirements.txt").write_bytes((REPOSITORY / "requirements.txt").read_bytes())
    git("init", "--quiet", "--initial-branch", "main")
    git("add", ".")
    git("commit", "--quiet", "--message", "Begin")
    for file in ("__init__.py", "app.py", "reset.py"):
        (folder / "monolith" / file).touch()
    (folder / "monolith" / "config.py").write_text("class Settings:\n    only_then: int = 1\n")
    git("add", ".")
    git("commit", "--quiet", "--message", "Build the monolith")
    monkeypatch.setattr(commits, "REPOSITORY", folder)
    return folder


def test_settings_are_of_a_part_or_of_every_application(arms: Callable[..., list[ArmSpec]]) -> None:
    one, other = arms("monolith:web.WEB_THREADS=64,web.LOG_LEVEL=debug", "microservices:*.LOG_LEVEL=error")

    assert (one.stack, one.settings) == ("monolith", {"web": {"WEB_THREADS": "64", "LOG_LEVEL": "debug"}})
    services = ("catalog", "orders", "payments", "notifications")
    assert other.settings == {name: {"LOG_LEVEL": "error"} for name in services}


def test_a_variant_is_of_the_parts_that_have_it_and_has_settings_of_its_own(
    arms: Callable[..., list[ArmSpec]],
) -> None:
    retries, bulkheads = arms("microservices+retries", "monolith+bulkheads:web.BULKHEADS=orders:4")

    assert retries.settings == {"orders": {"VARIANT": "retries"}, "payments": {"VARIANT": "retries"}}
    assert bulkheads.settings == {"web": {"VARIANT": "bulkheads", "BULKHEADS": "orders:4"}}


def test_what_a_shop_has_beside_its_modules_is_written_like_a_variant(arms: Callable[..., list[ArmSpec]]) -> None:
    without, having = arms("monolith", "monolith+recommendations:web.MODEL_RANK=64")

    assert (without.extras, having.extras) == ((), ("recommendations",))
    assert having.settings == {"web": {"MODEL_RANK": "64"}}


def test_containers_and_processes_run_in_different_places(arms: Callable[..., list[ArmSpec]]) -> None:
    specs = arms("monolith on compose", "microservices on local")

    assert [[(spec.stack, spec.on) for spec in place] for place in places_of(specs)] == [
        [("monolith", "compose")],
        [("microservices", "local")],
    ]


def test_a_commit_is_checked_out_until_the_end_and_its_settings_are_those_of_then(
    history: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWINSHOP_HOME", str(tmp_path / "home"))
    with ExitStack() as opened:
        here, there = notation.arms(["monolith", ":web.ONLY_THEN=2@main"], (), opened)
        assert there.checkout is not None
        folder = Path(there.checkout.folder)

        assert (here.checkout, there.stack) == (None, "monolith")
        assert there.checkout.commit == commits.resolved("main")
        assert (folder / "monolith" / "app.py").is_file()
        assert there.settings == {"web": {"ONLY_THEN": "2"}}

    assert not folder.exists()
    assert not list((history / ".git").glob("worktrees/*"))


def test_a_commit_that_cannot_run_the_build_is_refused_and_leaves_nothing(
    history: Path, arms: Callable[..., list[ArmSpec]], tmp_path: Path
) -> None:
    with pytest.raises(DeployError, match=r"cannot run monolith.*no monolith\.app, monolith\.reset\. Name a younger"):
        arms("monolith", "monolith@main~1")

    assert not list((tmp_path / "home" / "commits").iterdir())


def test_a_commit_that_there_is_not_is_refused_with_the_latest_ones(
    history: Path, arms: Callable[..., list[ArmSpec]]
) -> None:
    with pytest.raises(DeployError, match=r"(?s)no commit 'mian'.*Build the monolith"):
        arms("monolith", "monolith@mian")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("monolit", r"there is no build 'monolit'; there are monolith, microservices, colocated"),
        ("Monolith", r"is no arm; write BUILD\[\+VARIANT\]"),
        ("microservices:web.WEB_THREADS=64", r"no application 'web'; there are catalog, orders, payments, notif"),
        ("monolith:db.MAX=1", r"no application 'db'; there are web, and \* for all"),
        ("monolith:web.THREADS=64", r"web has no setting 'THREADS'; there are .*, WEB_THREADS"),
        ("monolith:web", r"'web' is no setting; write PART\.SETTING=VALUE"),
        ("monolith+flask", r"no variant 'flask'; there are bulkheads, .*fastapi, order-pool, recomm"),
        ("colocated+recommendations", r"no variant 'recommendations'; there are none"),
        ("monolith on kubernetes", r"no place 'kubernetes' for a comparison; there are local, compose"),
        ("colocated on compose", r"containers run monolith and microservices"),
        ("monolith@main on compose", r"no commit"),
    ],
)
def test_what_is_wrong_is_said_with_what_there_is(arms: Callable[..., list[ArmSpec]], text: str, message: str) -> None:
    with pytest.raises(DeployError, match=message):
        arms("monolith", text)


def test_an_arm_is_not_compared_with_itself(arms: Callable[..., list[ArmSpec]]) -> None:
    with pytest.raises(DeployError, match="are the same"):
        arms("monolith", "monolith")


def test_an_address_has_tokens_of_its_own(arms: Callable[..., list[ArmSpec]], start_shop: Callable[..., Shop]) -> None:
    one, other = start_shop().url, start_shop().url

    specs = arms(one, f"{other}/", tokens=(TOKEN, other))

    assert [spec.shop and (spec.shop.address, spec.shop.tokens_from) for spec in specs] == [
        (one, TOKEN),
        (other, other),
    ]


def test_tokens_without_an_address_are_refused(arms: Callable[..., list[ArmSpec]]) -> None:
    with pytest.raises(DeployError, match="none of the arms is one"):
        arms("monolith", "microservices", tokens=(TOKEN,))


def test_an_address_where_nobody_answers_is_refused(arms: Callable[..., list[ArmSpec]]) -> None:
    with pytest.raises(DeployError, match="cannot be reached"):
        arms("monolith", f"http://127.0.0.1:{free_port()}", tokens=(TOKEN,))
