"""What an assistant can ask: one module a topic. Knows no HTTP, no JSON-RPC, no Flask and nothing of `app/mcp`."""

INSTRUCTIONS = """\
Sleep, readiness, activity and heart rate of one person who wears an Oura ring. Read-only; the person's own data.

Which tool first: "how am I doing" -> get_health_insights; a night or nights -> get_sleep_summary; recovery -> \
get_readiness_score; movement -> get_activity_summary; exercises -> get_workouts; heart rate by the hour -> get_heart_rate; \
the course of one night -> get_sleep_detailed; what the person noted -> get_tags; age and rings -> get_personal_info.

Dates are the wearer's own days, YYYY-MM-DD, both ends included; without dates you get the last seven days. A night belongs to \
the day it ends, so last night is today. An activity day runs from 04:00 to 04:00. At most 365 days a call; long ranges come \
averaged or in parts, and coverage.notes or coverage.continue_with say how to get the rest.

Units: durations in seconds (tell people hours and minutes), efficiency in percent, heart rate in bpm, HRV in ms, distance in \
metres, energy in kcal, temperature as deviation in °C. Scores and contributors (restfulness, timing, hrv_balance, \
resting_heart_rate of readiness ...) are Oura ratings from 1 to 100, not measurements.

Missing is null, never 0, and averages skip it; n says how many values there were. coverage says what is missing and why: "not \
synced yet" means the person should open the Oura app, then ask again with refresh=true; "no data" means the ring was not worn \
or never synced; a scope that was not granted needs reconnecting. Say so instead of guessing, and never invent a value.

Freshness: coverage.fetched_at. Today's activity still grows. refresh=true asks Oura again (at most once a minute); \
coverage.stale=true means Oura could not be reached and older data is shown. "synthetic": true means invented demo data.

Compare a person with their own usual, not with others. Oura is not a medical device and this is not medical advice: no \
diagnoses; for symptoms point to a doctor.
"""
