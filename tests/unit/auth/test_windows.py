"""Fixed windows: a count until its end, then a new one; what has ended is swept."""

import time

from app.auth.windows import FixedWindows


def test_a_window_counts_every_unit_until_it_ends():
    windows = FixedWindows()
    assert [windows.incr("a", 900), windows.incr("a", 900, amount=3), windows.incr("b", 900)] == [1, 4, 1]
    assert windows.get("a") == 4
    assert 890 < windows.get_expiry("a") - time.time() <= 900


def test_a_window_that_has_ended_counts_nothing_and_the_next_hit_opens_a_new_one():
    windows = FixedWindows()
    windows.incr("a", 0, amount=7)
    assert windows.get("a") == 0
    assert windows.incr("a", 900) == 1


def test_windows_that_have_ended_are_swept_and_others_kept():
    windows = FixedWindows()
    windows.incr("running", 900)
    windows.incr("ended", 0)
    windows._sweep(time.time() + 1)
    assert windows.reset() == 1


def test_clearing_ends_one_count_only():
    windows = FixedWindows()
    windows.incr("a", 900)
    windows.incr("b", 900)
    windows.clear("a")
    assert (windows.get("a"), windows.get("b")) == (0, 1)
