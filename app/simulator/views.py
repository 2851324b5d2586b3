"""The simulator over HTTP: pages and token endpoints, the data API, controls behind the per-run secret. The only Flask here."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import gevent
from flask import Blueprint, Flask, Response, redirect, render_template, request

from app.simulator.consent import AuthorizeRequest, PageError, RedirectError
from app.simulator.data import collection_reply, document_reply
from app.simulator.knobs import Fault
from app.simulator.replies import Refusal, Reply, json_reply, not_found
from app.simulator.world import World

SECRET_HEADER = "X-Sim-Secret"  # noqa: S105 - a header's name
_MAX_BODY = 65_536


def create_app(world: World, secret: str) -> Flask:
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = _MAX_BODY
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.register_blueprint(_data_views(world))
    app.register_blueprint(_oauth_views(world))
    app.register_blueprint(_control_views(world, secret))
    app.register_error_handler(404, lambda _: _sent(not_found()))
    app.register_error_handler(405, lambda _: _sent(json_reply(405, {"detail": "Method Not Allowed"})))
    return app


def _sent(reply: Reply) -> Response:
    """A reply as Oura's front sends it."""
    if reply.delay_s:
        gevent.sleep(reply.delay_s)
    if reply.drip_s:
        response = Response(_dripped(reply), reply.status, content_type=reply.content_type)
    elif reply.cut_after is not None:
        response = Response(iter([reply.body[: reply.cut_after]]), reply.status, content_type=reply.content_type)
        response.headers["Connection"] = "close"
    else:
        response = Response(reply.body, reply.status, content_type=reply.content_type)
    response.headers["Content-Length"] = str(len(reply.body))
    response.headers["Cache-Control"] = "no-cache"
    response.headers["X-Trace-Id"] = secrets.token_hex(16)
    response.headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers.update(reply.headers)
    return response


def _dripped(reply: Reply) -> Iterator[bytes]:
    for byte in reply.body:
        gevent.sleep(reply.drip_s)
        yield bytes([byte])


def _served(world: World, target: str, query: Mapping[str, str], work: Callable[[], Reply]) -> Response:
    """Do *work* with the latency, the faults and the journal of *target* around it."""
    world.journal.began(target)
    status = 500
    try:
        if world.knobs.latency_s:
            gevent.sleep(world.knobs.latency_s)
        fault = world.knobs.fault_for(target)
        reply = _answer(world, fault, work)
        status = reply.status
        return _sent(reply)
    finally:
        world.journal.ended(target, status, query)


def _answer(world: World, fault: Fault | None, work: Callable[[], Reply]) -> Reply:
    instead = fault.instead(world.now()) if fault else None
    if instead is not None:
        return instead
    try:
        reply = work()
    except Refusal as refusal:
        reply = refusal.reply
    return fault.spoil(reply) if fault else reply


def _data_views(world: World) -> Blueprint:
    bp = Blueprint("data", __name__, url_prefix="/v2/usercollection")

    @bp.get("/<name>")
    def listed(name: str) -> Response:
        query, bearer = request.args.to_dict(), request.headers.get("Authorization")
        return _served(world, name, query, lambda: collection_reply(world, name, query, bearer))

    @bp.get("/<name>/<document_id>")
    def single(name: str, document_id: str) -> Response:
        bearer = request.headers.get("Authorization")
        return _served(world, name, {"id": document_id}, lambda: document_reply(world, name, document_id, bearer))

    return bp


def _oauth_views(world: World) -> Blueprint:
    bp = Blueprint("oauth", __name__)

    @bp.route("/oauth/authorize", methods=["GET", "POST"])
    @bp.route("/oauth/v2/ext/oauth-authorize", methods=["GET", "POST"])
    def authorize() -> Any:
        try:
            asked = world.ledger.asked(request.args.to_dict())
        except PageError as exc:
            return render_template("refused.html", detail=str(exc)), 400
        except RedirectError as exc:
            return _back(exc.request, {"error": exc.error, "error_description": exc.description})
        return _decided(world, asked) if request.method == "POST" else _shown(world, asked)

    @bp.post("/oauth/token", defaults={"endpoint": "api"})
    @bp.post("/oauth/v2/ext/oauth-token", defaults={"endpoint": "moi"})
    def token(endpoint: str) -> Response:
        basic = request.authorization
        pair = (basic.username or "", basic.password or "") if basic and basic.type == "basic" else None
        form = request.form.to_dict()
        seen = {"endpoint": endpoint, "grant_type": form.get("grant_type", "")}
        return _served(world, "token", seen, lambda: world.ledger.exchange(endpoint, form, pair))

    @bp.route("/oauth/revoke", methods=["GET", "POST"])
    @bp.route("/oauth/v2/ext/oauth/revoke", methods=["GET", "POST"])
    def revoke() -> Response:
        given = request.values.get("access_token") or request.values.get("token", "")
        return _served(world, "revoke", {}, lambda: world.ledger.revoke(given))

    return bp


def _shown(world: World, asked: AuthorizeRequest) -> Any:
    if world.knobs.auto_approve:
        approved = world.knobs.approved_scopes
        return _approved(world, asked, world.default_account, asked.scopes if approved is None else approved)
    return render_template(
        "consent.html",
        client_id=world.ledger.client.client_id,
        scopes=asked.scopes,
        accounts=list(world.archives),
        account=world.default_account,
    )


def _decided(world: World, asked: AuthorizeRequest) -> Response:
    if request.form.get("decision") != "approve":
        return _back(asked, {"error": "access_denied", "error_description": "The resource owner denied the request"})
    account = request.form.get("account", world.default_account)
    if account not in world.archives:
        account = world.default_account
    return _approved(world, asked, account, request.form.getlist("scope"))


def _approved(world: World, asked: AuthorizeRequest, account: str, scopes: Any) -> Response:
    answer = world.ledger.approve(asked, account, scopes)
    if world.knobs.new_portal:
        answer["iss"] = request.host_url.rstrip("/")
    return _back(asked, answer)


def _back(asked: AuthorizeRequest, answer: Mapping[str, str]) -> Response:
    parts = urlsplit(asked.redirect_uri)
    extra = dict(answer) if asked.state is None or "state" in answer else {**answer, "state": asked.state}
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), *extra.items()])
    return redirect(urlunsplit(parts._replace(query=query)), 302)  # type: ignore[return-value]


def _control_views(world: World, secret: str) -> Blueprint:
    bp = Blueprint("control", __name__, url_prefix="/_sim")

    @bp.before_request
    def guard() -> Response | None:
        sent = request.headers.get(SECRET_HEADER, "")
        return None if hmac.compare_digest(sent.encode(), secret.encode()) else _sent(not_found())

    @bp.post("/knobs")
    def turn() -> Response:
        try:
            world.knobs.turn(request.get_json(force=True))
        except (ValueError, TypeError) as exc:
            return _sent(json_reply(400, {"detail": str(exc)}))
        return _sent(Reply(204, b""))

    @bp.get("/requests")
    def requests() -> Response:
        return _sent(json_reply(200, world.journal.seen()))

    @bp.delete("/requests")
    def forget() -> Response:
        world.journal.reset()
        return _sent(Reply(204, b""))

    @bp.post("/<any(revoke, expire):action>")
    def end(action: str) -> Response:
        (world.ledger.revoke_all if action == "revoke" else world.ledger.expire_access_tokens)()
        return _sent(Reply(204, b""))

    @bp.post("/grant")
    def grant() -> Response:
        asked = request.get_json(silent=True) or {}
        try:
            return _sent(json_reply(200, world.grant(asked.get("scopes"), asked.get("account"))))
        except ValueError as exc:
            return _sent(json_reply(400, {"detail": str(exc)}))

    return bp
