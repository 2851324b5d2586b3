"""Runners: one greenlet for many jobs, and a kill that ends one job only."""

import gevent
from gevent.event import Event

from app.mcp.runners import MAX_IDLE, Runners


def test_a_runner_that_has_finished_takes_the_next_job_in_the_same_greenlet():
    runners, seen = Runners(), []
    for _ in range(3):
        runners.run(lambda: seen.append(gevent.getcurrent()))
        gevent.sleep(0)
    assert len(seen) == 3
    assert len(set(seen)) == 1


def test_jobs_that_wait_do_not_wait_for_each_other():
    runners, gate, done = Runners(), Event(), []
    for number in range(MAX_IDLE + 4):
        runners.run(lambda number=number: (gate.wait(5), done.append(number)))
    gevent.sleep(0)
    gate.set()
    gevent.sleep(0.01)
    assert sorted(done) == list(range(MAX_IDLE + 4))


def test_a_killed_job_ends_and_the_next_one_is_untouched():
    runners, gate, done = Runners(), Event(), []
    killed = runners.run(lambda: (gate.wait(5), done.append("killed")))
    gevent.sleep(0)
    killed.kill()
    runners.run(lambda: done.append("next"))
    gevent.sleep(0.01)
    gate.set()
    gevent.sleep(0.01)
    assert done == ["next"]


def test_a_kill_that_comes_as_the_job_ends_hits_nobody_else():
    runners, done = Runners(), []
    runners.run(lambda: done.append("first"))
    gevent.sleep(0)
    second = runners.run(lambda: done.append("second"))
    second.kill()
    gevent.sleep(0.01)
    for number in range(3):
        runners.run(lambda number=number: done.append(number))
    gevent.sleep(0.01)
    assert done[0] == "first"
    assert done[-3:] == [0, 1, 2]
