"""The root page: what happened here, for a person, with buttons and forms for what may happen next."""

from itertools import islice

from flask import Blueprint, render_template, request

from . import refunds
from .access import SCOPES
from .faults import KINDS
from .operations import OPERATIONS
from .outcomes import Outcome
from .world import World

SHOWN = 25  # of each kind, so that the page stays quick; everything is in the state
DONE = {
    "end_checkout": "The checkout was ended.",
    "refund_in_dashboard": "The refund was made.",
    "end_refund": "The refund's status was changed.",
    "set_delivery_mode": "Webhooks go out like this from now on.",
    "resend": "The webhook was sent again.",
    "send_test_webhook": "A test webhook was sent.",
    "add_fault": "The faults were changed.",
    "change_keys": "The API keys were changed.",
    "change_organization": "The organization was changed.",
    "reset": "Everything was forgotten.",
}


def blueprint(world: World) -> Blueprint:
    """The page at /."""
    routes = Blueprint("overview", __name__)

    @routes.get("/")
    def show() -> str:
        with world.lock:
            return render_template(
                "overview.html",
                world=world,
                wallet=refunds.wallet(world),
                shown=SHOWN,
                done=DONE.get(request.args.get("done", "")),
                calls=list(islice(reversed(world.calls), SHOWN)),
                deliveries=world.courier.deliveries[: -SHOWN - 1 : -1],
                outcomes=list(Outcome),
                refund_statuses=sorted(refunds.STATUSES),
                operations=[one.name for one in OPERATIONS],
                kinds=sorted(KINDS),
                scopes=sorted(SCOPES),
            )

    return routes
