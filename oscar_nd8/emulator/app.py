"""The emulator as a WSGI application: its doors, and how each of them says no."""

from flask import Flask, jsonify, render_template, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from . import api, control, money, overview, pay, shapes
from .access import ENVIRONMENTS
from .problems import ApiError
from .world import World

MACHINE_PATHS = ("/api/", "/sandbox/api/", "/_emulator/")
LARGEST_BODY = 2 * 1024 * 1024
PAGE_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def create_app(world: World) -> Flask:
    """Serve `world` over HTTP."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    app.jinja_env.filters.update(money=money.text, moment=shapes.moment)
    for environment in ENVIRONMENTS:
        app.register_blueprint(api.blueprint(world, environment))
    for door in (pay, control, overview):
        app.register_blueprint(door.blueprint(world))
    app.register_error_handler(ApiError, api.refusal)
    app.register_error_handler(HTTPException, _http_error)
    app.after_request(_harden)
    return app


def _http_error(error: HTTPException) -> Response:
    response = error.get_response()
    if request.path.startswith(MACHINE_PATHS):
        response.data = jsonify(detail=error.description).data
        response.content_type = "application/json"
    elif error.code and error.code >= 400:
        response.data = render_template("problem.html", error=error)
    return response


def _harden(response: Response) -> Response:
    response.headers.update(PAGE_HEADERS)
    return response
