import pytest
from pydantic import SecretStr

from app.config import ROOT, Settings
from app.errors import ConfigError

pytestmark = pytest.mark.requirement("settings")
TOKEN = "f3a91b7c5d2e8046" * 3
KEY = "0123456789abcdef" * 4
OTHER_KEY = "fedcba9876543210" * 4
GOOD = {"AUTH_TOKEN": TOKEN, "TOKEN_ENCRYPTION_KEY": KEY}
HTTP_OURA = {
    "OURA_API_BASE_URL": "http://127.0.0.1:9/",
    "OURA_AUTHORIZE_URL": "http://127.0.0.1:9/oauth/authorize",
    "OURA_REVOKE_URL": "http://localhost:9/oauth/revoke",
}


def load(**variables):
    return Settings.load({**GOOD, **variables}, None)


def problems(**variables):
    with pytest.raises(ConfigError) as caught:
        load(**variables)
    return caught.value.problems


def test_two_secrets_are_enough_to_start():
    settings = load()
    assert (settings.port, settings.bind, settings.public_url) == (3001, "127.0.0.1", "http://localhost:3001")
    assert settings.redirect_origin == "http://localhost:3001"
    assert not settings.oura_configured
    assert len(settings.oura_scopes) == 11
    assert settings.token_file == ROOT / "tokens.json"
    assert (settings.oauth_server, settings.demo, settings.trusted_proxy_hops) == (True, False, None)


def test_every_problem_is_told_at_once():
    told = problems(AUTH_TOKEN="", PORT="x", LOG_LEVEL="loud", OURA_REVOKE_URL="http://oura.example", CACHE_TTL="-1")
    assert [line.partition(":")[0] for line in told[:-1]] == ["AUTH_TOKEN", "PORT", "CACHE_TTL", "LOG_LEVEL"]
    assert "plain http" in told[-1]


def test_no_problem_shows_a_value():
    secret = "SECRETVALUE"
    names = [name.upper() for name in Settings.env_fields() if name not in {"oura_client_id", "oura_client_secret", "token_file"}]
    told = problems(**dict.fromkeys(names, f"{secret} {{}} :"))
    assert len(told) >= 18
    assert secret not in " ".join(told)


def test_a_setting_shows_no_secret_when_printed():
    settings = load(
        OWNER_PASSWORD="correct horse battery", DATABASE_URL="postgresql://oura:pw123@h/d", OURA_CLIENT_SECRET="cs123"
    )
    shown = repr(settings) + str(settings)
    for secret in (TOKEN, KEY, "correct horse", "pw123", "cs123"):
        assert secret not in shown


def test_settings_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        load().port = 1


@pytest.mark.parametrize(
    "token",
    [
        "short",
        "a" * 40,
        "abcabcabcabcabcabcabcabcabcabcabcabc",
        "your-secret-auth-token-here-0123456789",
        "replace-me-0123456789-0123456789-x",
    ],
)
@pytest.mark.parametrize("name", ["AUTH_TOKEN", "TOKEN_ENCRYPTION_KEY"])
def test_weak_secrets_are_refused(name, token):
    assert problems(**{name: token})[0].startswith(f"{name}: ")


def test_what_env_example_holds_is_refused(tmp_path):
    with pytest.raises(ConfigError) as caught:
        Settings.load({}, ROOT / ".env.example")
    assert {line.partition(":")[0] for line in caught.value.problems} == {"AUTH_TOKEN", "TOKEN_ENCRYPTION_KEY"}


def test_secrets_equal_to_each_other_are_refused():
    assert "value of its own" in problems(AUTH_TOKEN=KEY)[0]
    assert "value of its own" in problems(OWNER_PASSWORD=TOKEN)[0]


def test_a_bearer_that_no_header_can_carry_is_refused():
    assert "printable" in problems(AUTH_TOKEN=TOKEN + "é")[0]
    assert "printable" in problems(AUTH_TOKEN=TOKEN + " " + TOKEN)[0]


def test_several_keys_open_and_the_first_seals():
    settings = load(TOKEN_ENCRYPTION_KEY=f"{OTHER_KEY}, {KEY}")
    assert settings.encryption_keys == (bytes.fromhex(OTHER_KEY), bytes.fromhex(KEY))


def test_one_bad_key_among_several_is_refused():
    assert "64 hexadecimal" in problems(TOKEN_ENCRYPTION_KEY=f"{KEY},{'0123456789abcdefg' * 4}")[0]


def test_the_public_address_is_where_oura_redirects_to_unless_told():
    configured = {"OURA_REDIRECT_URI": "https://Ring.Example:443/oauth/callback"}
    assert load(**configured).public_url == "https://ring.example"
    apart = load(**configured, PUBLIC_URL="https://mcp.example/")
    assert (apart.public_url, apart.redirect_origin) == ("https://mcp.example", "https://ring.example")


@pytest.mark.parametrize(
    "uri", ["https://ring.example/callback", "ring.example/oauth/callback", "https://r.example/oauth/callback?x=1"]
)
def test_a_redirect_uri_this_server_does_not_answer_is_refused(uri):
    assert problems(OURA_REDIRECT_URI=uri)[0].startswith("OURA_REDIRECT_URI: must be the public address")


def test_a_redirect_uri_may_end_in_a_slash():
    settings = load(OURA_REDIRECT_URI="https://ring.example/oauth/callback/")
    assert settings.oura_redirect_uri == "https://ring.example/oauth/callback/"
    assert settings.public_url == "https://ring.example"


def test_oura_is_configured_with_all_three():
    three = {"OURA_CLIENT_ID": "id", "OURA_CLIENT_SECRET": "s", "OURA_REDIRECT_URI": "http://localhost:3001/oauth/callback"}
    assert load(**three).oura_configured
    for name in three:
        assert not load(**{**three, name: ""}).oura_configured


def test_plain_http_is_allowed_where_all_of_oura_is_loopback():
    settings = load(**HTTP_OURA)
    assert settings.oura_is_loopback
    assert settings.provider == "http://127.0.0.1:9"
    assert load().provider == "https://api.ouraring.com"


@pytest.mark.parametrize("name", HTTP_OURA)
def test_plain_http_is_refused_where_one_of_oura_is_not_loopback(name):
    assert "plain http" in problems(**{**HTTP_OURA, name: ""})[0]
    assert "plain http" in problems(**{**HTTP_OURA, name: "http://192.168.1.4/x"})[0]
    assert "plain http" in problems(**{**HTTP_OURA, "OURA_TOKEN_URL": "https://localhost/token"})[0]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", ()),
        ("https://a.example", ("https://a.example",)),
        ("https://A.example/, http://b.example:8080", ("https://a.example", "http://b.example:8080")),
        ("*", ("*",)),
        ("vscode-webview://abc", ("vscode-webview://abc",)),
    ],
)
def test_origins_are_a_comma_list(text, value):
    assert load(CORS_ORIGIN=text).cors_origin == value


@pytest.mark.parametrize(
    "text", ["null", "a.example", "https://a.example/path", "https://u@a.example", "https://*.example, nonsense"]
)
def test_what_is_no_origin_is_refused(text):
    assert problems(CORS_ORIGIN=text)[0].startswith("CORS_ORIGIN: must be origins")


def test_hosts_lose_their_port_and_may_start_with_a_star():
    hosts = load(ALLOWED_HOSTS="Oura.local:3001, *.ngrok.app, [::1]:80").allowed_hosts
    assert hosts == ("oura.local", "*.ngrok.app", "[::1]")
    assert problems(ALLOWED_HOSTS="https://x")[0].startswith("ALLOWED_HOSTS")
    assert problems(ALLOWED_HOSTS="*")[0].startswith("ALLOWED_HOSTS")


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        ("PORT", 0, 65_535),
        ("TRUSTED_PROXY_HOPS", 0, 10),
        ("MAX_STREAMS", 1, None),
        ("CACHE_TTL", 0, 86_400),
        ("OURA_DAILY_LIMIT", 1, None),
    ],
)
def test_numbers_have_their_ends_and_no_more(name, least, most):
    assert getattr(load(**{name: str(least)}), name.lower()) == least
    assert problems(**{name: str(least - 1)}) == (f"{name}: must be at least {least}",)
    if most is not None:
        assert getattr(load(**{name: str(most)}), name.lower()) == most
        assert problems(**{name: str(most + 1)}) == (f"{name}: must be at most {most}",)


@pytest.mark.parametrize(("text", "value"), [("off", False), ("0", False), ("No", False), ("on", True), ("TRUE", True)])
def test_switches_understand_the_usual_words(text, value):
    assert load(OAUTH_SERVER=text).oauth_server is value


@pytest.mark.parametrize(("text", "value"), [("warn", "WARNING"), ("Info", "INFO"), ("", "INFO"), ("ERROR", "ERROR")])
def test_log_levels_have_the_originals_spelling_too(text, value):
    assert load(LOG_LEVEL=text).log_level == value


@pytest.mark.parametrize("text", ["localhost", "0.0.0.0", "::", "[::1]", "127.0.0.1"])
def test_addresses_to_listen_on(text):
    assert load(BIND=text).bind == text


@pytest.mark.parametrize("text", ["0.0.0.0:3001", "http://x", "*", "a b"])
def test_what_is_no_address_is_refused(text):
    assert problems(BIND=text)[0].startswith("BIND: must be an address alone")


@pytest.mark.parametrize("text", ["Mars/Olympus", "America", "../etc/passwd", "/etc/passwd", "+02:00"])
def test_zones_that_do_not_exist_are_refused(text):
    assert problems(USER_TIMEZONE=text)[0].startswith("USER_TIMEZONE: must be an IANA time zone")


def test_rates_follow_flask_limiters_words():
    assert load(MCP_RATE_LIMIT="5/minute").mcp_rate_limit == "5/minute"
    assert problems(MCP_RATE_LIMIT="many")[0].startswith("MCP_RATE_LIMIT: must read like")


def test_a_path_may_be_absolute_or_start_at_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert load(TOKEN_FILE=str(tmp_path / "t.json")).token_file == tmp_path / "t.json"
    assert load(TOKEN_FILE="~/t.json").token_file == tmp_path / "t.json"
    assert load(TOKEN_FILE="var/t.json").token_file == ROOT / "var" / "t.json"


def test_the_databases_of_heroku_are_understood_and_others_refused():
    assert load(DATABASE_URL="postgres://u:p@h:5432/d").database_url == SecretStr("postgres://u:p@h:5432/d")
    assert problems(DATABASE_URL="mysql://h/d") == ("DATABASE_URL: must start with postgresql://",)


def test_a_real_variable_beats_the_file_even_when_it_is_empty(tmp_path):
    path = tmp_path / ".env"
    path.write_text(
        f"\ufeffAUTH_TOKEN={TOKEN}\nTOKEN_ENCRYPTION_KEY='{KEY}'\nPORT=4000\nCACHE_TTL=60\nNODE_ENV=production\n# PORT=1\n"
    )
    settings = Settings.load({"PORT": "5000", "CACHE_TTL": ""}, path)
    assert (settings.port, settings.cache_ttl) == (5000, 300)
    assert settings.auth_token.get_secret_value() == TOKEN


def test_lines_of_the_file_that_set_nothing_are_named_without_their_text(tmp_path):
    (tmp_path / ".env").write_text(f"PORT=4000\nAUTH_TOKEN='{TOKEN}\nCACHE_TTL=60\n\nsome words\n")
    with pytest.raises(ConfigError) as caught:
        Settings.load(GOOD, tmp_path / ".env")
    assert [problem.split(" is ")[0] for problem in caught.value.problems] == [".env: line 2", ".env: line 5"]
    assert TOKEN not in str(caught.value)


def test_the_demo_reads_no_file(tmp_path):
    (tmp_path / ".env").write_text("PORT=4000\n")
    settings = Settings.load({**GOOD, "OURA_MCP_DEMO": "1"}, tmp_path / ".env")
    assert (settings.port, settings.demo) == (3001, True)


def test_a_dollar_sign_in_the_file_is_a_dollar_sign(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", "/gone")
    (tmp_path / ".env").write_text("OURA_CLIENT_SECRET=a${HOME}b$HOME\n")
    assert Settings.load(GOOD, tmp_path / ".env").oura_client_secret.get_secret_value() == "a${HOME}b$HOME"


def test_a_file_that_is_no_text_is_one_clear_problem(tmp_path):
    (tmp_path / ".env").write_bytes(b"\xff\xfe\x00x")
    with pytest.raises(ConfigError, match="cannot be read"):
        Settings.load(GOOD, tmp_path / ".env")


def test_a_setting_that_does_not_exist_is_refused_in_code():
    with pytest.raises(ConfigError, match="PROT: is no setting"):
        Settings(auth_token=TOKEN, token_encryption_key=KEY, prot=1)
