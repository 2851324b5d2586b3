"""The front door over a database: other greenlets run while one waits for it, and another process may be at it too."""

import gevent
import pytest

from tests.unit.access.door import Door

pytestmark = pytest.mark.requirement("oauth-tokens")


@pytest.fixture
def doors(postgres_url, tmp_path):
    """Two processes' worth of application over one empty database."""
    import psycopg

    with psycopg.connect(postgres_url) as connection:
        connection.execute("DROP TABLE IF EXISTS oura_mcp_records")
    opened = [Door(tmp_path, settings={"database_url": postgres_url}) for _ in range(2)]
    yield opened
    for door in opened:
        door.services.vault._store.close()


def at_once(doors, ask):
    """What *ask* answers when eight clients, at both processes, ask it at the same moment."""
    jobs = [gevent.spawn(ask, doors[number % 2].client()) for number in range(8)]
    gevent.joinall(jobs, raise_error=True)
    return [job.value for job in jobs]


def test_of_many_who_redeem_a_code_at_once_one_gets_in_at_most(doors):
    program = doors[0].client()
    client_id = program.register().json["client_id"]
    code = program.consent(client_id)["code"]

    statuses = [answer.status_code for answer in at_once(doors, lambda client: client.redeem(code, client_id))]

    assert sorted(statuses) == [200] + [400] * 7


def test_of_many_who_renew_at_once_every_answer_goes_on(doors):
    program = doors[0].client()
    client_id = program.register().json["client_id"]
    first = program.come_in(client_id)

    answers = at_once(doors, lambda client: client.refresh(first["refresh_token"], client_id).json)

    assert len({answer["refresh_token"] for answer in answers}) == 8
    renewed = [doors[1].client().refresh(answer["refresh_token"], client_id).status_code for answer in answers]
    assert renewed == [200] * 8


def test_what_one_process_lets_in_the_other_serves(doors):
    program, other = doors[0].client(), doors[1].client()
    client_id = program.register().json["client_id"]

    tokens = program.come_in(client_id)

    assert other.call(tokens["access_token"]).status_code == 200
    assert other.refresh(tokens["refresh_token"], client_id).status_code == 200
