from datetime import datetime

import pytest

from app.simulator import create_simulator

NOON = datetime.fromisoformat("2026-06-15T12:00:00+00:00").timestamp()
CALLBACK = "http://localhost:3001/oauth/callback"


class Oura:
    """A simulator with a clock to set, spoken to without sockets."""

    def __init__(self, **options):
        self.time = NOON
        options.setdefault("redirect_uris", [CALLBACK])
        self.app = create_simulator(clock=lambda: self.time, client_secret="client-secret", secret="per-run", **options)
        self.world = self.app.extensions["simulator"]
        self.http = self.app.test_client()
        self.token = self.world.grant()["access_token"]

    def get(self, path, /, token=None, **query):
        headers = {"Authorization": f"Bearer {token or self.token}"}
        return self.http.get(f"/v2/usercollection/{path}", query_string=query, headers=headers)

    def rows(self, path, **query):
        answer = self.get(path, **query)
        assert answer.status_code == 200, answer.text
        return answer.get_json()["data"]

    def days(self, path, start, end):
        return [row["day"] for row in self.rows(path, start_date=start, end_date=end)]

    def turn(self, **knobs):
        self.world.knobs.turn(knobs)

    def post_token(self, path="/oauth/token", **form):
        return self.http.post(path, data={"client_id": "simulated-client", "client_secret": "client-secret", **form})

    def authorize(self, **query):
        asked = {"response_type": "code", "client_id": "simulated-client", "redirect_uri": CALLBACK, "state": "s", **query}
        return self.http.get("/oauth/authorize", query_string={key: value for key, value in asked.items() if value is not None})


@pytest.fixture
def make_oura():
    return Oura


@pytest.fixture
def oura():
    return Oura()
