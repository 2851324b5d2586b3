"""How an attempt to connect ends when Oura refuses the code, told from what its token endpoint says."""

import pytest
import responses

from app.oauth.authorization import OuraAuthorization
from app.oauth.flow import Flow
from app.oauth.outcomes import PAGES, Outcome
from app.oauth.pending import Pending
from tests.unit.oauth.standins import API, TokenEndpoint


def test_only_what_the_person_wanted_is_marked_as_good():
    good = {outcome for outcome, page in PAGES.items() if page.good}

    assert good == {Outcome.CONNECTED, Outcome.REPLACED, Outcome.KEPT, Outcome.DISCONNECTED}


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("redirect_uri_mismatch", Outcome.REDIRECT),
        ("invalid_client", Outcome.CREDENTIALS),
        ("invalid_grant", Outcome.REFUSED),
    ],
)
def test_a_refused_code_leads_to_the_page_that_says_what_to_mend(settings, sealer, vault, connection, clock, oura, code, outcome):
    TokenEndpoint(oura, API)
    pending = Pending(vault, connection, clock=clock)
    flow = Flow(settings, sealer, OuraAuthorization(settings, clock=clock), connection, pending, clock=clock)
    departure = flow.begin()
    state = departure.url.split("state=")[1].partition("&")[0]
    oura.replace(responses.POST, API, status=400, json={"error": code})

    assert flow.finish({"code": "C", "state": state}, departure.cookie).outcome is outcome
    assert connection.status().state == "never"
