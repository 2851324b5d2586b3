"""The data API: envelope, dates, pages, fields, scopes, errors; invariants 60 to 69, 73 and 74."""

import json
from datetime import date, datetime, timedelta

import pytest

from app.simulator.catalogue import COLLECTIONS

MIDNIGHT_KEYED = ["daily_sleep", "daily_readiness", "daily_stress", "daily_spo2", "daily_resilience"]
WIDE = {"start_date": "2026-05-01", "end_date": "2026-06-01"}


def test_a_list_is_an_envelope_and_an_empty_range_an_empty_list(oura):
    answer = oura.get("sleep", start_date="2019-01-01", end_date="2019-02-01")
    assert answer.status_code == 200
    assert answer.get_json() == {"data": [], "next_token": None}


# -- dates -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MIDNIGHT_KEYED)
def test_a_day_keyed_row_is_found_by_its_own_date(oura, name):
    assert oura.days(name, "2026-05-12", "2026-05-12") == ["2026-05-12"]


@pytest.mark.parametrize("name", ["sleep", "daily_activity", "workout"])
def test_a_row_that_starts_later_in_the_day_is_lost_when_the_range_ends_on_its_date(oura, name):
    days = [(date(2026, 5, 1) + timedelta(days=offset)).isoformat() for offset in range(20)]
    assert set(oura.days(name, "2026-04-29", "2026-05-22")) & set(days)
    for day in days:
        assert day not in oura.days(name, day, day)


def test_an_end_at_the_last_second_includes_the_day(oura):
    assert "2026-05-12" not in oura.days("daily_activity", "2026-05-10", "2026-05-12")
    assert "2026-05-12" in oura.days("daily_activity", "2026-05-10", "2026-05-12T23:59:59")


def test_a_night_that_began_before_midnight_utc_is_found_from_the_day_before_only(oura):
    night = next(row for row in oura.rows("sleep", **WIDE) if "T2" in row["bedtime_start"])
    day = date.fromisoformat(night["day"])
    before, after = (day - timedelta(days=1)).isoformat(), (day + timedelta(days=1)).isoformat()
    assert night["day"] in oura.days("sleep", before, night["day"])
    assert night["id"] not in {row["id"] for row in oura.rows("sleep", start_date=night["day"], end_date=after)}


def test_far_east_an_activity_day_is_found_one_date_early(make_oura):
    oura = make_oura(personas=["patchy"])
    row = oura.rows("daily_activity", **WIDE)[0]
    assert row["timestamp"].endswith("+12:00")
    before = (date.fromisoformat(row["day"]) - timedelta(days=1)).isoformat()
    assert row["day"] in oura.days("daily_activity", before, row["day"])


def test_without_dates_the_last_24_hours_are_meant(oura):
    rows = oura.rows("heartrate")
    assert oura.time - 86_400 <= rows[0]["timestamp_unix"] / 1000
    assert rows[-1]["timestamp_unix"] / 1000 <= oura.time
    assert oura.rows("daily_sleep") == oura.rows(
        "daily_sleep", start_date="2026-06-14T12:00:00Z", end_date="2026-06-15T12:00:00Z"
    )


def test_offsets_and_unix_times_are_understood(oura):
    assert oura.rows(
        "heartrate", start_datetime="2026-06-14T02:00:00+02:00", end_datetime="2026-06-14T04:00:00+02:00"
    ) == oura.rows("heartrate", start_datetime="2026-06-14T00:00:00", end_datetime="2026-06-14T02:00:00Z")
    assert oura.rows("sleep", start_date="1", end_date="2") == []
    assert oura.get("sleep", start_date="0024-01-01", end_date="2026-05-02").status_code == 200


def test_a_backward_range_is_400_and_an_unreadable_date_422(oura):
    backward = oura.get("sleep", start_date="2026-05-03", end_date="2026-05-01")
    assert backward.status_code == 400
    assert backward.get_json()["detail"].startswith("Start time is greater than end time")
    unreadable = oura.get("sleep", start_date="yesterday", end_date="2026-13-45")
    assert unreadable.status_code == 422
    assert [problem["loc"] for problem in unreadable.get_json()["detail"]] == [["query", "start_date"], ["query", "end_date"]]
    assert {"type", "loc", "msg", "input"} <= set(unreadable.get_json()["detail"][0])
    unescaped_plus = oura.get("heartrate", start_datetime="2026-06-14T00:00:00 02:00")
    assert unescaped_plus.status_code == 422


# -- pages, fields, ids ------------------------------------------------------------------------------------------------


def pages(oura, name, **query):
    found, tokens = [], []
    while True:
        page = oura.get(name, **query, **({"next_token": tokens[-1]} if tokens else {})).get_json()
        found.append(page["data"])
        if page["next_token"] is None:
            return found, tokens
        tokens.append(page["next_token"])


def test_pages_of_documents_join_to_the_whole(oura):
    whole = oura.rows("daily_sleep", **WIDE)
    oura.turn(page_size=7)
    found, tokens = pages(oura, "daily_sleep", **WIDE)
    assert [row for page in found for row in page] == whole
    assert [len(page) for page in found][:-1] == [7] * len(tokens)
    assert len(set(tokens)) == len(tokens)


def test_heart_rate_comes_in_thousands_oldest_first(oura):
    found, tokens = pages(oura, "heartrate", start_datetime="2026-06-01T00:00:00Z", end_datetime="2026-06-08T00:00:00Z")
    assert [len(page) for page in found][:-1] == [1000] * len(tokens)
    times = [row["timestamp_unix"] for page in found for row in page]
    assert times == sorted(set(times))
    assert len(tokens) > 1


def test_pages_stay_whole_while_the_clock_moves(oura):
    oura.turn(heart_page_size=50)
    whole = oura.rows("heartrate", start_datetime="2026-06-14T12:00:00Z", end_datetime="2026-06-15T12:00:00Z")
    first = oura.get("heartrate").get_json()
    oura.time += 900
    second = oura.get("heartrate", next_token=first["next_token"]).get_json()
    assert [*first["data"], *second["data"]][:50] == whole
    assert second["data"][0]["timestamp_unix"] > first["data"][-1]["timestamp_unix"]


def test_a_token_of_another_query_or_account_is_refused(oura):
    oura.turn(page_size=5)
    token = oura.get("daily_sleep", **WIDE).get_json()["next_token"]
    assert oura.get("daily_sleep", **WIDE, next_token=token).status_code == 200
    assert oura.get("daily_readiness", **WIDE, next_token=token).status_code == 400
    assert oura.get("daily_sleep", **WIDE, next_token="AAAA").status_code == 400


def test_stuck_paging_leads_to_itself(oura):
    oura.turn(page_size=5, stuck_paging=True)
    first = oura.get("daily_sleep", **WIDE).get_json()
    assert oura.get("daily_sleep", **WIDE, next_token=first["next_token"]).get_json() == first


def test_fields_select_and_unknown_ones_are_ignored(oura):
    assert set(oura.rows("daily_activity", **WIDE, fields="steps,day,nonsense")[0]) == {"id", "steps", "day"}
    assert oura.rows("daily_activity", **WIDE, fields="nonsense") == oura.rows("daily_activity", **WIDE)
    assert oura.rows("daily_resilience", **WIDE, fields="day") == oura.rows("daily_resilience", **WIDE)
    assert set(oura.rows("heartrate", fields="bpm")[0]) == {"timestamp", "bpm"}


def test_latest_is_one_sample_on_series_and_ignored_elsewhere(oura):
    newest = oura.rows("heartrate", latest="true")
    assert newest == oura.rows("heartrate")[-1:]
    assert oura.rows("ring_battery_level", latest="true") == oura.rows("ring_battery_level")[-1:]
    assert len(oura.rows("daily_sleep", **WIDE, latest="true")) > 20


@pytest.mark.parametrize("name", sorted(COLLECTIONS))
def test_a_document_by_id_is_its_row_and_unknown_ids_are_404(make_oura, name):
    oura, other = make_oura(personas=["napper"]), make_oura(personas=["newcomer"])
    row = oura.rows(name, start_date="2025-08-01", end_date="2026-06-01")[-1]
    assert oura.get(f"{name}/{row['id']}").get_json() == row
    for absent in (other.get(f"{name}/{row['id']}"), other.get(f"{name}/nothing")):
        assert absent.status_code == 404
        assert absent.get_json() == {"detail": "Document not found."}


def test_series_and_profile_have_no_route_by_id(oura):
    for path in ("heartrate/x", "personal_info/x", "vo2_max", "nonsense", "../oauth"):
        assert oura.get(path).status_code == 404


# -- who may -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "scope"),
    [
        ("sleep", "daily"),
        ("daily_stress", "daily"),
        ("rest_mode_period", "daily"),
        ("heartrate", "heartrate"),
        ("workout", "workout"),
        ("session", "session"),
        ("enhanced_tag", "tag"),
        ("tag", "tag"),
        ("daily_spo2", "spo2"),
        ("daily_resilience", "stress"),
        ("daily_cardiovascular_age", "heart_health"),
        ("vO2_max", "heart_health"),
        ("ring_configuration", "ring_configuration"),
        ("ring_battery_level", "ring_configuration"),
    ],
)
def test_a_missing_scope_is_a_401_that_names_it(oura, name, scope):
    others = [other for other in oura.world.knobs.portal_scopes if other != scope]
    answer = oura.get(name, token=oura.world.grant(others)["access_token"])
    assert answer.status_code == 401
    assert answer.get_json()["detail"] == f"Token is not authorized access {scope} scope."
    assert oura.get(name, token=oura.world.grant([scope])["access_token"]).status_code == 200


def test_personal_info_shows_what_the_scopes_open(oura):
    bare = oura.get("personal_info", token=oura.world.grant([])["access_token"]).get_json()
    assert {name for name, value in bare.items() if value is not None} == {"id"}
    email = oura.get("personal_info", token=oura.world.grant(["extapi:email"])["access_token"]).get_json()
    assert {name for name, value in email.items() if value is not None} == {"id", "email"}


def test_an_expired_an_unknown_and_no_token_are_401(oura):
    oura.time += 86_400
    expired = oura.get("sleep")
    assert expired.status_code == 401
    assert "scope" not in expired.text
    assert oura.get("sleep", token="unknown").status_code == 401
    assert oura.http.get("/v2/usercollection/sleep").status_code == 401
    assert oura.http.get("/v2/usercollection/sleep", query_string={"access_token": oura.token}).status_code == 401


def test_a_lapsed_membership_is_403(oura):
    oura.turn(membership_lapsed=True)
    assert oura.get("sleep").status_code == 403


def test_over_the_rate_limit_is_429_with_five_headers_and_200_has_none(oura):
    oura.turn(rate_limit=2)
    assert not [name for name in oura.get("tag").headers.keys() if "ratelimit" in name.lower()]  # noqa: SIM118 - Headers iterates pairs
    oura.get("tag")
    refused = oura.get("tag")
    assert refused.status_code == 429
    assert {"Retry-After", "X-RateLimit-Limit", "X-RateLimit-Window", "X-RateLimit-Reset", "X-RateLimit-Tier"} <= set(
        refused.headers.keys()
    )
    oura.time += int(refused.headers["Retry-After"])
    assert oura.get("tag").status_code == 200


# -- sameness and arrival ----------------------------------------------------------------------------------------------


def test_the_same_question_has_the_same_bytes_in_every_run(make_oura):
    def answers(oura):
        return [oura.get(name, **WIDE).data for name in COLLECTIONS] + [oura.get("heartrate").data]

    one = make_oura()
    assert answers(one) == answers(one) == answers(make_oura())


@pytest.mark.parametrize("name", sorted(COLLECTIONS))
def test_a_later_clock_changes_no_closed_day(make_oura, name):
    early, late = make_oura(personas=["napper"]), make_oura(personas=["napper"])
    late.time += 40 * 86_400
    query = {"start_date": "2026-05-01", "end_date": "2026-06-12"}
    assert early.get(name, **query).data == late.get(name, token=late.world.grant()["access_token"], **query).data


def test_recomputing_changes_a_closed_day_when_told_to(oura):
    before = oura.rows("daily_sleep", **WIDE)
    oura.turn(recomputed_days=["2026-05-12"])
    changed = [row["day"] for row, old in zip(oura.rows("daily_sleep", **WIDE), before, strict=True) if row != old]
    assert changed == ["2026-05-12"]


def test_last_night_waits_for_the_app_to_be_opened(oura):
    oura.turn(app_opened_at=datetime.fromisoformat("2026-06-14T20:00:00+00:00").timestamp())
    today = {"start_date": "2026-06-13", "end_date": "2026-06-15T23:59:59"}
    for name in ("sleep", "daily_sleep", "daily_readiness", "sleep_time", "daily_spo2"):
        assert "2026-06-15" not in {row["day"] for row in oura.rows(name, **today)}
    for name in ("daily_activity", "daily_stress"):
        assert "2026-06-15" in {row["day"] for row in oura.rows(name, **today)}
    assert oura.rows("heartrate", latest="true")[0]["timestamp"].startswith("2026-06-15")
    oura.turn(app_opened_at=None)
    assert "2026-06-15" in {row["day"] for row in oura.rows("sleep", **today)}


def test_nothing_is_known_of_the_future(oura):
    ahead = {"start_date": "2026-06-14", "end_date": "2026-07-14"}
    for name in COLLECTIONS:
        for row in oura.rows(name, **ahead):
            assert row.get("day", row.get("start_day", "2026-06-14")) <= "2026-06-15"
    rows = oura.rows("heartrate", start_datetime="2026-06-15T00:00:00Z", end_datetime="2026-07-14T00:00:00Z")
    assert rows[-1]["timestamp_unix"] / 1000 <= oura.time


def test_nothing_of_ouras_sandbox_is_imitated(oura):
    assert oura.get("sleep", token="anything").status_code == 401
    text = json.dumps(oura.rows("sleep", **WIDE))
    assert "2021-01-01" not in text
    assert len(oura.rows("daily_sleep", **WIDE)) > 25
    assert oura.http.get("/v2/sandbox/usercollection/sleep").status_code == 404
