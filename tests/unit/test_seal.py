"""app/seal.py: what is sealed comes back, to the right hands only, for as long as it may."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.seal import Sealer

OLD, NEW = b"o" * 32, b"n" * 32


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def sealer(*keys: bytes, clock=None) -> Sealer:
    return Sealer(keys or (OLD,), clock=clock or Clock())


def test_a_sealed_value_comes_back_equal_and_does_not_show_in_the_text():
    text = sealer().seal("oura-connection", {"access_token": "very secret", "scope": None}, owner="owner")

    assert sealer().open("oura-connection", text, owner="owner") == {"access_token": "very secret", "scope": None}
    assert "secret" not in text
    assert b"secret" not in base64.urlsafe_b64decode(text + "==")


def test_two_seals_of_one_value_differ():
    assert sealer().seal("a", {}) != sealer().seal("a", {})


def test_the_text_is_safe_in_a_url_and_a_cookie():
    text = sealer().seal("state", {"n": "x" * 99})

    assert text.isascii()
    assert text.replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize(("purpose", "owner"), [("mcp-grant", "owner"), ("oura", "other"), ("ourao", "wner"), ("oura", "")])
def test_a_value_does_not_open_for_another_purpose_or_owner(purpose, owner):
    text = sealer().seal("oura", {"a": 1}, owner="owner")

    assert sealer().open(purpose, text, owner=owner) is None


@given(st.data())
def test_no_changed_character_goes_unnoticed(data):
    text = sealer().seal("p", {"a": 1})
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters().filter(lambda c: c != text[at]))

    assert sealer().open("p", text[:at] + other + text[at + 1 :]) is None


@given(st.text())
def test_text_that_is_not_ours_opens_nothing(text):
    assert sealer().open("p", text) is None
    assert sealer().open("p", "AQ" + text) is None


def test_every_cut_and_every_addition_is_noticed():
    text = sealer().seal("p", {"a": 1})

    assert [cut for cut in range(len(text)) if sealer().open("p", text[:cut]) is not None] == []
    assert [extra for extra in ("A", "=", "==", "\n", " ") if sealer().open("p", text + extra) is not None] == []


def test_a_value_expires_at_its_second():
    clock = Clock()
    text = sealer(clock=clock).seal("state", {"n": 1}, ttl_s=600)

    clock.now += 599.9
    assert sealer(clock=clock).open("state", text) == {"n": 1}
    clock.now += 0.1
    assert sealer(clock=clock).open("state", text) is None


def test_after_rotation_the_new_key_seals_and_the_old_one_still_opens():
    old_text = sealer(OLD).seal("p", {"a": 1})
    rotated = sealer(NEW, OLD)

    assert rotated.open("p", old_text) == {"a": 1}
    assert sealer(NEW).open("p", rotated.seal("p", {"b": 2})) == {"b": 2}
    assert sealer(NEW).open("p", old_text) is None


def test_a_derived_sealer_shares_nothing_with_its_parent_or_with_another_context():
    parent = sealer(NEW, OLD)
    text = sealer(OLD).derived(b"session one").seal("session", {"who": "owner"})

    assert parent.derived(b"session one").open("session", text) == {"who": "owner"}
    assert parent.derived(b"session two").open("session", text) is None
    assert parent.open("session", text) is None


def test_a_keyed_hash_needs_the_key_and_survives_rotation_through_hash_matches():
    before = sealer(OLD).keyed_hash("account", "user-1")
    rotated = sealer(NEW, OLD)

    assert rotated.hash_matches("account", "user-1", before)
    assert not rotated.hash_matches("account", "user-2", before)
    assert not rotated.hash_matches("other", "user-1", before)
    assert not sealer(NEW).hash_matches("account", "user-1", before)


def test_what_json_cannot_say_is_refused_before_anything_is_sealed():
    with pytest.raises(ValueError, match="JSON"):
        sealer().seal("p", {"a": float("nan")})


def test_a_key_of_the_wrong_length_is_refused():
    with pytest.raises(ValueError, match="32 bytes"):
        sealer(b"short")
