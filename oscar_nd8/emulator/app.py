"""The emulator as a WSGI application: its doors, and how each of them says no."""

from datetime import UTC, datetime

from flask import Flask, jsonify, render_template, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from . import api, control, money, overview, pay
from .access import ENVIRONMENTS
from .forms import is_form
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
    app.jinja_env.filters.update(money=money.text, clock=_clock, zip=zip)
    for environment in ENVIRONMENTS:
        app.register_blueprint(api.blueprint(world, environment))
    for door in (pay, control, overview):
        app.register_blueprint(door.blueprint(world))
    app.register_error_handler(ApiError, _refusal)
    app.register_error_handler(HTTPException, _http_error)
    app.after_request(_harden)
    return app


def _clock(at: datetime) -> str:
    """A moment as a person reads it, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _refusal(error: ApiError) -> Response:
    if is_form(request.get_data(), request.mimetype):
        page = render_template("problem.html", heading="That cannot be done", text=error.detail)
        return Response(page, error.status, mimetype="text/html")
    return api.refusal(error)


def _http_error(error: HTTPException) -> Response:
    response = error.get_response()
    if request.path.startswith(MACHINE_PATHS):
        response.data = jsonify(detail=error.description).data
        response.content_type = "application/json"
    elif error.code and error.code >= 400:
        response.data = render_template("problem.html", heading=error.name, text=error.description)
    return response


def _harden(response: Response) -> Response:
    response.headers.update(PAGE_HEADERS)
    return response
