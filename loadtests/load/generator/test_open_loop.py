"""The loop sends when it is due, whatever became of what was sent before, and loses nothing silently."""

import time

import gevent
import pytest

from loadtests.load.generator.open_loop import OpenLoop
from loadtests.load.generator.watch import void_reasons


def test_slow_answers_do_not_hold_up_what_is_due():
    sent_late_ms = []

    def send(_index, due_at):
        sent_late_ms.append((time.perf_counter() - due_at) * 1000)
        gevent.sleep(0.5)

    loop = OpenLoop([0.01 * number for number in range(20)], send, max_in_flight=100)
    loop.run()
    loop.drain(2)

    assert loop.progress.sent == 20
    assert loop.progress.most_in_flight == 20
    assert sorted(sent_late_ms)[10] < 20


def test_what_is_due_beyond_the_bound_is_counted_and_not_sent_later():
    sent = []

    def send(index, _due_at):
        sent.append(index)
        gevent.sleep(0.3)

    loop = OpenLoop([0.01 * number for number in range(10)], send, max_in_flight=3)
    loop.run()
    loop.drain(2)

    assert sent == [0, 1, 2]
    assert (loop.progress.due, loop.progress.sent, loop.progress.not_sent) == (10, 3, 7)


def test_a_generator_that_has_fallen_behind_does_not_send_what_it_missed():
    loop = OpenLoop([-5.0, -3.0, 0.0], lambda _index, _due: None, max_in_flight=9)

    loop.run()
    loop.drain(1)

    assert (loop.progress.due, loop.progress.sent, loop.progress.not_sent, loop.progress.too_late) == (3, 1, 2, 2)


def test_a_request_that_fails_frees_its_place():
    def send(_index, _due_at):
        raise ConnectionError

    loop = OpenLoop([0.0, 0.05, 0.1], send, max_in_flight=1)
    loop.run()
    loop.drain(1)

    assert loop.progress.sent == 3
    assert loop.progress.in_flight == 0


def test_shares_send_each_arrival_once():
    sent = []
    schedule = [0.001 * number for number in range(30)]

    for share in range(4):
        loop = OpenLoop(schedule, lambda index, _due: sent.append(index), max_in_flight=99, share=share, shares=4)
        loop.run()
        loop.drain(1)

    assert sorted(sent) == list(range(30))


def test_draining_gives_up_what_is_not_answered_in_time():
    given_up = []

    def send(index, _due_at):
        try:
            gevent.sleep(60)
        except gevent.GreenletExit:
            given_up.append(index)

    loop = OpenLoop([0.0, 0.0], send, max_in_flight=9)
    loop.run()

    assert loop.drain(0.1) == 2
    assert sorted(given_up) == [0, 1]


def test_a_stop_is_noticed_while_nothing_is_due():
    loop = OpenLoop([60.0], lambda _index, _due: None, max_in_flight=1)
    gevent.spawn_later(0.1, loop.stop)
    began = time.perf_counter()

    loop.run()

    assert time.perf_counter() - began < 1
    assert loop.progress.due == 0


@pytest.mark.parametrize(
    ("figures", "reason"),
    [
        ({"sent": 989}, "sent 989 of 1000"),
        ({"cpu_share": 0.9}, "saturated"),
        ({"lag_p99_ms": 26.0}, "left late"),
        ({"due": 0, "sent": 0}, "nothing was due"),
    ],
)
def test_a_run_is_void_for_each_reason_alone(figures, reason):
    right = {"due": 1000, "sent": 990, "cpu_share": 0.85, "lag_p99_ms": 25.0}

    assert void_reasons(**right) == []
    assert reason in void_reasons(**(right | figures))[0]
