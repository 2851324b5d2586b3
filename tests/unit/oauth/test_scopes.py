import pytest

from app.oauth.scopes import normalised


@pytest.mark.parametrize(
    ("granted", "names"),
    [
        ("extapi:daily extapi:heartrate", {"daily", "heartrate"}),
        ("daily spo2Daily", {"daily", "spo2"}),
        ("extapi:spo2Daily", {"spo2"}),
        (["daily", "extapi:tag"], {"daily", "tag"}),
        ("daily,tag+workout", {"daily", "tag", "workout"}),
        (["daily,tag+workout"], {"daily", "tag", "workout"}),
    ],
)
def test_oura_s_spellings_become_the_names_its_errors_use(granted, names):
    assert normalised(granted) == names


@pytest.mark.parametrize("granted", [None, "", "  ", []])
def test_an_absent_scope_is_unknown_not_none(granted):
    assert normalised(granted) is None
