"""The control calls below /_emulator/: a test or a person steers what ND8 does next."""

from collections.abc import Callable

from flask import Blueprint, jsonify, redirect, request
from werkzeug.wrappers import Response

from . import conditions, directions, state
from .forms import is_form, read_fields
from .shapes import Shape
from .world import World

Direction = Callable[..., Shape]


def blueprint(world: World) -> Blueprint:
    """One POST per direction, and the state to look at."""
    routes = Blueprint("control", __name__, url_prefix="/_emulator")
    posts: dict[str, Direction] = {
        "/checkouts/<target>/outcome": directions.end_checkout,
        "/transactions/<target>/refund": directions.refund_in_dashboard,
        "/refunds/<target>/outcome": directions.end_refund,
        "/deliveries": conditions.set_delivery_mode,
        "/deliveries/<target>/resend": directions.resend,
        "/webhook_test": directions.send_test_webhook,
        "/faults": conditions.add_fault,
        "/keys": conditions.change_keys,
        "/organization": conditions.change_organization,
        "/reset": directions.reset,
    }
    for path, direction in posts.items():
        routes.add_url_rule(path, direction.__name__, _door(world, direction), methods=["POST"])
    routes.add_url_rule("/state", "state", _reader(world), methods=["GET"])
    return routes


def _door(world: World, direction: Direction) -> Callable[..., Response]:
    def serve(**target: str) -> Response:
        raw = request.get_data()
        fields = read_fields(raw, request.mimetype)
        with world.lock:
            answer = direction(world, *target.values(), fields)
        if is_form(raw, request.mimetype):
            return redirect(f"/?done={direction.__name__}", 303)
        return jsonify(answer)

    return serve


def _reader(world: World) -> Callable[[], Response]:
    def show() -> Response:
        with world.lock:
            return jsonify(state.describe(world))

    return show
