from app.auth.once import Once
from tests.unit.auth.house import Clock


def test_what_was_used_is_used():
    once = Once(ttl_s=600, clock=Clock())

    assert once.use("a")
    assert not once.use("a")
    assert once.use("b")


def test_it_forgets_when_it_could_not_be_used_again_anyway():
    clock = Clock()
    once = Once(ttl_s=600, clock=clock)
    once.use("a")
    clock.now += 601

    assert "a" not in once


def test_it_holds_no_more_than_it_may_and_lets_the_oldest_go():
    once = Once(ttl_s=600, clock=Clock(), most=3)
    for name in "abcd":
        once.use(name)

    assert "a" not in once
    assert all(name in once for name in "bcd")
