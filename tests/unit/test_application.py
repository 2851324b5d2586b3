"""Flask with less: paths, hosts and methods are told apart as Flask does it."""

import pytest
from flask import Flask, Response, request

from app.application import Application


def routed(kind: type[Flask]) -> Flask:
    app = kind("routed", static_folder=None)
    app.add_url_rule("/day/<date>", view_func=lambda date: f"{request.method} {date} {request.root_path}", endpoint="day")
    app.add_url_rule("/strict/", view_func=lambda: "strict", endpoint="strict")
    return app


@pytest.mark.parametrize(
    "path",
    [
        "/day/2026-03-01",
        "//day/1",
        "/day//1",
        "/day/%C3%A9",
        "/day/a%2Fb",
        "/nowhere",
        "/",
        "/strict",
        "/strict?a=%20b",
        "/strict/",
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
@pytest.mark.parametrize("prefix", ["", "/under"])
def test_it_answers_what_flask_answers(path, method, prefix):
    def answer(kind: type[Flask]) -> tuple[object, ...]:
        given = {"SCRIPT_NAME": prefix, "HTTP_HOST": "sleep.example.com:8443", "wsgi.url_scheme": "https"}
        told = routed(kind).test_client().open(path, method=method, environ_overrides=given)
        return told.status, told.data, told.headers.get("Location"), told.headers.get("Allow") and sorted(told.headers["Allow"])

    assert answer(Application) == answer(Flask)


def test_each_request_has_an_id_of_its_own():
    app, seen = Application("ids"), []
    app.add_url_rule("/", view_func=lambda: seen.append(request.environ["request_id"]) or Response())
    for _ in range(3):
        app.test_client().get("/")

    assert len(set(seen)) == 3
    assert all(len(id_) == 12 for id_ in seen)
