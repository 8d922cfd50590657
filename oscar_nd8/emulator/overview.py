"""The root page: what happened here, for a person, with buttons for what may happen next."""

from flask import Blueprint, render_template

from .outcomes import Outcome
from .refunds import STATUSES
from .world import World


def blueprint(world: World) -> Blueprint:
    """The page at /."""
    routes = Blueprint("overview", __name__)

    @routes.get("/")
    def show() -> str:
        with world.lock:
            return render_template(
                "overview.html",
                world=world,
                outcomes=list(Outcome),
                refund_statuses=sorted(STATUSES),
            )

    return routes
