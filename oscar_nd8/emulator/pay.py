"""The hosted page: what a shopper sees between the shop's redirect and the way back."""

from dataclasses import dataclass

from flask import Blueprint, redirect, render_template, request
from werkzeug.exceptions import BadRequest, NotFound
from werkzeug.wrappers import Response

from .outcomes import SIMULATED, Outcome, bring_about
from .records import Checkout
from .world import World


@dataclass(frozen=True, slots=True)
class Choice:
    """A button: what it says, what it brings about, and where the shopper goes then."""

    label: str
    outcome: Outcome
    way_back: str = "success_url"
    scripted: bool = False  # whether sandbox_simulate decides instead


CHOICES = {
    "pay": Choice("Pay", Outcome.PAID, scripted=True),
    "pay_and_close": Choice("Pay and close the tab", Outcome.PAID, way_back="", scripted=True),
    "pending_deposit": Choice("Pay, deposit pending", Outcome.PENDING_DEPOSIT),
    "processing": Choice("Still processing", Outcome.PROCESSING),
    "decline_once": Choice("Decline first, then pay", Outcome.DECLINED_ONCE, way_back=""),
    "decline": Choice("Decline", Outcome.FAILED, way_back="failed_url"),
    "insufficient_funds": Choice("Insufficient funds", Outcome.INSUFFICIENT_FUNDS, way_back="failed_url"),
    "cancel": Choice("Cancel and return", Outcome.CANCELED, way_back="cancel_url"),
}
SIMULATED_WAY_BACK = {Outcome.FAILED: "failed_url", Outcome.CANCELED: "cancel_url"}
ENDED = {
    Outcome.FAILED: "The payment was declined",
    Outcome.INSUFFICIENT_FUNDS: "The payment was declined",
    Outcome.CANCELED: "The payment was canceled",
    Outcome.PROCESSING: "The payment is being processed",
}


def blueprint(world: World) -> Blueprint:
    """The pages below /pay/."""
    routes = Blueprint("pay", __name__, url_prefix="/pay")

    @routes.get("/<token>/")
    def show(token: str) -> tuple[str, int]:
        with world.lock:
            return _page(world, _checkout(world, token))

    @routes.post("/<token>/")
    def choose(token: str) -> Response | tuple[str, int]:
        choice = CHOICES.get(request.form.get("choice", ""))
        if choice is None:
            raise BadRequest("This page has no such button.")
        with world.lock:
            checkout = _checkout(world, token)
            if checkout.is_paid or _why_closed(world, checkout):
                return _page(world, checkout, refused=True)
            return _carry_out(world, checkout, choice)

    return routes


def _carry_out(world: World, checkout: Checkout, choice: Choice) -> Response | tuple[str, int]:
    outcome, way_back = choice.outcome, choice.way_back
    if choice.scripted and checkout.simulate:
        outcome = SIMULATED[checkout.simulate]
        way_back = SIMULATED_WAY_BACK.get(outcome, way_back)
    bring_about(world, checkout, outcome)
    if choice.outcome is Outcome.DECLINED_ONCE:
        return redirect(request.path, 303)
    address: str | None = getattr(checkout, way_back) if way_back else None
    if address:
        return redirect(address, 303)
    heading = ENDED.get(outcome, "Payment received")
    return _render(world, "ended.html", checkout, heading=heading, can_retry=not checkout.is_paid), 200


def _page(world: World, checkout: Checkout, *, refused: bool = False) -> tuple[str, int]:
    if checkout.is_paid:
        return _render(world, "paid.html", checkout), 409 if refused else 200
    if heading := _why_closed(world, checkout):
        return _render(world, "closed.html", checkout, heading=heading), 410
    newest = checkout.newest
    declined = newest.attempts[0].error_message if newest and newest.attempts else None
    page = _render(world, "pay.html", checkout, choices=CHOICES, declined=declined)
    return page, 200


def _render(world: World, template: str, checkout: Checkout, **more: object) -> str:
    return render_template(template, checkout=checkout, merchant=world.organization, **more)


def _checkout(world: World, token: str) -> Checkout:
    checkout = world.checkouts.find(token)
    if checkout is None or checkout.token != token:
        raise NotFound("There is no payment at this address.")
    return checkout


def _why_closed(world: World, checkout: Checkout) -> str:
    if world.clock().timestamp() >= checkout.expires_at:
        return "This payment session has expired"
    if checkout.link and checkout.link.is_used_up:
        return "Somebody else has paid this link"
    return ""
