"""The time limit of a block: it strikes where the block waits, and only there and then."""

import time

import gevent
import pytest

from app.timeout import Timeout


def test_a_block_that_waits_for_longer_is_told():
    with pytest.raises(KeyError, match="late"), Timeout(0.01, KeyError("late")):
        gevent.sleep(5)


@pytest.mark.parametrize("seconds", [0.0, 0.01, 5.0])
def test_a_block_that_never_waits_is_not(seconds):
    with Timeout(seconds, KeyError("late")):
        pass
    gevent.sleep(0.02)


def test_time_before_the_first_wait_counts():
    began = time.monotonic()

    def computes_then_waits():
        while time.monotonic() - began < 1:
            pass
        gevent.sleep(5)

    with pytest.raises(KeyError, match="late"), Timeout(0.9, KeyError("late")):
        computes_then_waits()
    assert time.monotonic() - began < 1.8


def test_a_block_that_has_ended_in_time_is_not():
    with Timeout(0.02, KeyError("late")):
        gevent.sleep(0.001)
    gevent.sleep(0.04)


def test_an_error_of_the_block_ends_the_limit():
    def fails():
        gevent.sleep(0.001)
        raise ValueError("own")

    with pytest.raises(ValueError, match="own"), Timeout(0.02, KeyError("late")):
        fails()
    gevent.sleep(0.04)


def test_the_limit_is_for_the_greenlet_of_the_block_alone():
    seen = []

    def waits(seconds, limit):
        try:
            with Timeout(limit, KeyError("late")):
                gevent.sleep(seconds)
        except KeyError:
            seen.append(seconds)

    gevent.joinall(
        [gevent.spawn(waits, 0.03, 0.01), gevent.spawn(waits, 0.04, 1), gevent.spawn(waits, 0.05, 0.02)], raise_error=True
    )
    assert sorted(seen) == [0.03, 0.05]
