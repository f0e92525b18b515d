"""A room's progress: reported by who chooses so, bounded, escaped, and never in the way of a lab."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from deploy.model.errors import DeployError, PortTaken
from deploy.model.home import Home
from workshop.classroom import reporting
from workshop.classroom.report import MOST_BYTES, PATH, Report
from workshop.classroom.server import MOST_PARTICIPANTS, STUCK_AFTER_S, Classroom, create_app, serve
from workshop.progress import Progress

LAB = {"steps_done": 3, "steps": 12, "done": False, "solved": False, "trouble": ""}


def a_report(number: int = 1, name: str = "Ada", **lab: Any) -> dict[str, Any]:
    return {"id": f"{number:032x}", "name": name, "labs": {"5": LAB | lab}}


class Now:
    """A clock that is moved by hand."""

    at = 1000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def address(now: Now) -> Iterator[str]:
    """A room on a port of its own, as the command serves it."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(Classroom(now)), log_level="error"))
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(5)
    listening.close()


@pytest.fixture
def client(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, headers={"Host": "192.168.1.5:8070"}) as opened:
        yield opened


def page_of(client: httpx.Client) -> str:
    answer = client.get("/")
    assert answer.status_code == 200
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    return str(answer.text)


def test_what_is_reported_is_shown_and_escaped(client: httpx.Client) -> None:
    for body in (a_report(1, "<script>alert(1)</script>", trouble="<b>"), a_report(2, "Bob", done=True, solved=True)):
        assert client.post(PATH, json=body).status_code == 204

    text = page_of(client)
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert "&lt;b&gt;" in text
    assert "3 of 12" in text
    assert "solved" in text


def test_who_does_not_move_or_meets_trouble_is_marked_and_comes_first(client: httpx.Client, now: Now) -> None:
    client.post(PATH, json=a_report(1, "Ada"))
    client.post(PATH, json=a_report(2, "Zoe", trouble="twinshop books"))
    client.post(PATH, json=a_report(3, "Bob", done=True))
    assert page_of(client).count('class="stuck"') == 1
    assert page_of(client).index("Zoe") < page_of(client).index("Ada")

    now.at += STUCK_AFTER_S + 1
    client.post(PATH, json=a_report(1, "Ada"))  # still at the same step

    assert page_of(client).count('class="stuck"') == 2
    client.post(PATH, json=a_report(1, "Ada", steps_done=4))
    assert page_of(client).count('class="stuck"') == 1


def test_two_of_one_name_are_two_and_a_new_name_is_taken(client: httpx.Client) -> None:
    client.post(PATH, json=a_report(1, "Ada"))
    client.post(PATH, json=a_report(2, "Ada"))
    assert "Ada (2)" in page_of(client)

    client.post(PATH, json=a_report(2, "Grace"))

    assert "Ada (2)" not in page_of(client)
    assert "Grace" in page_of(client)


@pytest.mark.parametrize(
    "change",
    [
        {"id": "mine"}, {"name": ""}, {"name": "x" * 41}, {"name": "a\nb"}, {"name": 7}, {"more": 1},
        {"labs": {"five": LAB}}, {"labs": {"5": LAB | {"steps_done": -1}}},
        {"labs": {"5": LAB | {"trouble": "x" * 201}}},
        {"labs": {str(number): LAB for number in range(31)}},
    ],
)  # fmt: skip
def test_what_is_no_report_is_refused(client: httpx.Client, change: dict[str, Any]) -> None:
    assert client.post(PATH, json=a_report() | change).status_code == 422
    assert "Nobody reports yet" in page_of(client)


def test_a_report_too_long_and_one_participant_too_many_are_refused(client: httpx.Client) -> None:
    assert client.post(PATH, content=b"x" * (MOST_BYTES + 1)).status_code == 413
    for number in range(MOST_PARTICIPANTS):
        assert client.post(PATH, json=a_report(number)).status_code == 204

    assert client.post(PATH, json=a_report(MOST_PARTICIPANTS)).status_code == 503
    assert client.post(PATH, json=a_report(1, done=True)).status_code == 204


def test_pages_of_other_sites_report_nothing_and_read_nothing(client: httpx.Client) -> None:
    assert client.post(PATH, json=a_report(), headers={"Origin": "http://evil.example"}).status_code == 403
    assert client.post(PATH, json=a_report(), headers={"Host": "evil.example"}).status_code == 403
    assert client.get("/", headers={"Host": "evil.example"}).status_code == 403
    assert client.get("/", headers={"Host": "classroom:8070"}).status_code == 200


def test_nothing_is_reported_unless_one_chooses_to_and_one_can_leave(address: str, tmp_path: Path) -> None:
    home = Home(tmp_path)
    progress = Progress(home)
    progress.of(5).steps_done = 2
    progress.of(5).predictions["1"] = "my own thoughts"
    progress.keep()
    assert reporting.send(home) is None
    assert "Nobody reports yet" in _read(address)

    reporting.choose(home, f"{address}/", "Ada")

    assert "Ada" in _read(address)
    assert "2 of " in _read(address)
    assert "my own thoughts" not in _read(address)
    identifier = json.loads(reporting.path_of(home).read_text("utf-8"))["id"]
    reporting.choose(home, address, "Grace")
    assert json.loads(reporting.path_of(home).read_text("utf-8"))["id"] == identifier
    assert "Ada" not in _read(address)
    assert reporting.leave(home)
    assert not reporting.leave(home)


def test_a_room_that_is_away_is_said_once_and_costs_no_lab(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = Home(tmp_path)
    with pytest.raises(DeployError, match="was not reached"):
        reporting.choose(home, "http://127.0.0.1:1", "Ada")
    reporter = reporting.Reporter(home)

    began = time.monotonic()
    for _ in range(3):
        reporter.tell(5, "twinshop books")

    assert time.monotonic() - began < 2 * reporting.TIMEOUT_S
    assert capsys.readouterr().out.count("The room was not told") == 1


@pytest.mark.parametrize(("url", "name"), [("room", "Ada"), ("file:///etc", "Ada"), ("http://127.0.0.1:1", " ")])
def test_an_address_or_a_name_that_is_none_is_refused(tmp_path: Path, url: str, name: str) -> None:
    with pytest.raises(DeployError, match=r"no address of a room|A name has"):
        reporting.choose(Home(tmp_path), url, name)

    assert not reporting.path_of(Home(tmp_path)).exists()


@pytest.mark.parametrize("host", ["127.0.0.1", "no.such.host.invalid"])
def test_where_nobody_can_listen_it_says_so(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(PortTaken, match=r"port \d+: .+--bind"):
        serve(host, listener.getsockname()[1])


def test_the_longest_report_fits() -> None:
    lab = LAB | {"trouble": "x" * 200}
    labs = {str(number): lab for number in range(11)}

    assert len(Report(id="0" * 32, name="x" * 40, labs=labs).model_dump_json()) < MOST_BYTES


def _read(address: str) -> str:
    return str(reporting.urllib.request.urlopen(address, timeout=5).read().decode())
