"""Runners: one greenlet for many jobs, and a kill that ends one job only."""

import gevent
from gevent.event import Event

from app.errors import DeadlineError
from app.mcp.runners import MAX_IDLE, Runners
from app.services import Deadline


def test_a_runner_that_has_finished_takes_the_next_job_in_the_same_greenlet():
    runners, seen = Runners(), []
    for _ in range(3):
        runners.run(lambda: seen.append(gevent.getcurrent()), Deadline())
        gevent.sleep(0)
    assert len(seen) == 3
    assert len(set(seen)) == 1


def test_jobs_that_wait_do_not_wait_for_each_other():
    runners, gate, done = Runners(), Event(), []
    for number in range(MAX_IDLE + 4):
        runners.run(lambda number=number: (gate.wait(5), done.append(number)), Deadline())
    gevent.sleep(0)
    gate.set()
    gevent.sleep(0.01)
    assert sorted(done) == list(range(MAX_IDLE + 4))


def test_a_killed_job_ends_and_the_next_one_is_untouched():
    runners, gate, done = Runners(), Event(), []
    killed = runners.run(lambda: (gate.wait(5), done.append("killed")), Deadline())
    gevent.sleep(0)
    killed.kill()
    runners.run(lambda: done.append("next"), Deadline())
    gevent.sleep(0.01)
    gate.set()
    gevent.sleep(0.01)
    assert done == ["next"]


def test_a_kill_that_comes_as_the_job_ends_hits_nobody_else():
    runners, done = Runners(), []
    runners.run(lambda: done.append("first"), Deadline())
    gevent.sleep(0)
    second = runners.run(lambda: done.append("second"), Deadline())
    second.kill()
    gevent.sleep(0.01)
    for number in range(3):
        runners.run(lambda number=number: done.append(number), Deadline())
    gevent.sleep(0.01)
    assert done[0] == "first"
    assert done[-3:] == [0, 1, 2]


def test_past_the_deadline_a_job_that_waits_is_told_and_the_next_one_is_untouched():
    runners, gate, seen = Runners(), Event(), []

    def waits():
        try:
            gate.wait(5)
        except DeadlineError as exc:
            seen.append(exc)

    for _ in range(2):
        runners.run(waits, Deadline(hard_s=0.01))
        runners.run(lambda: seen.append("at once"), Deadline(hard_s=-1))
    gevent.sleep(0.05)
    runners.run(lambda: (gevent.sleep(0.03), seen.append("later")), Deadline())
    gevent.sleep(0.05)
    assert [type(item) for item in seen] == [str, str, DeadlineError, DeadlineError, str]
