"""Payments, matters, refunds and links in every state, written into the running shop: what its pages have to show.

`shop.manage("shell", "-v", "0", "-c", "from tests.journeys import scene; scene.make()")` prints their keys as JSON.
"""

import json
import sys
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.contrib.auth import get_user_model
from django.utils import timezone

from oscar_nd8.models import Attention, Payment, PaymentLink, PaymentSession, Refund, StaffAction, WebhookEvent
from oscar_nd8.states import PaymentState, SessionStatus
from tests.journeys.steps import PASSWORD
from tests.staff import make_matter, make_payment, make_session

VISITOR = "visitor@example.com"
S = SessionStatus


def make() -> None:
    """Everything, with an account of its own; nothing falls due, so that the shop leaves it as it is."""
    now = timezone.now()
    visitor = get_user_model().objects.create_user(username=VISITOR, email=VISITOR, password=PASSWORD)
    link = PaymentLink.objects.filter(deleted_at=None).earliest("pk")
    facts = {"created_at": now, "expires_at": now + timedelta(hours=1), "due_at": None, "user": visitor}

    def session(name: str, status: SessionStatus, **more: Any) -> PaymentSession:
        return make_session(f"SCENE-{name}", status, **{**facts, **more})

    sessions = {
        "open": session("open", S.OPEN),
        "under way": session("under-way", S.OPEN),
        "placed": session("placed", S.PLACED),
        "held": session("held", S.HELD, status_reason="ND8 keeps a fee far above the limit."),
        "given back": session("given-back", S.HELD),
        "failed": session("failed", S.FAILED),
        "canceled": session("canceled", S.CANCELED),
    }
    by_link = {
        name: session(f"link-{name}", status, link=link)
        for name, status in {"sold": S.SOLD, "held": S.HELD, "failed": S.FAILED, "open": S.OPEN}.items()
    }
    make_payment(sessions["under way"], "TX-SCENE-1", state=PaymentState.PROCESSING, net=None, fee=None, asked_at=now)
    make_payment(sessions["given back"], "TX-SCENE-2", state=PaymentState.REFUNDED)
    paid = make_payment(sessions["placed"], "TX-SCENE-3")
    make_payment(sessions["held"], "TX-SCENE-4")
    make_payment(by_link["sold"], "TX-SCENE-5")
    matter = make_matter(sessions["held"], detail=sessions["held"].status_reason, created_at=now)
    settled = _settled(sessions["placed"])
    event = WebhookEvent.objects.create(
        delivery_id="SCENE",
        name="transaction.status_changed",
        body='{"event": "transaction.status_changed", "order_id": "CO-SCENE-placed"}',
        checkout_id=sessions["placed"].checkout_id,
        status="failed",
        last_error="ND8's answer could not be read.",
        due_at=None,
    )
    closed = [
        _link("Switched off", is_active=False),
        _link("Over", expires_at=now - timedelta(days=1)),
        _link("Sold out", max_uses=1, uses=1),
    ]
    json.dump(
        {
            "sessions": {name: [one.pk, str(one.token)] for name, one in sessions.items()},
            "by_link": {name: [one.pk, str(one.token)] for name, one in by_link.items()},
            "order": sessions["placed"].order_number,
            "refunds": [_refund(paid, "completed", closed_at=now, booked_at=now).pk, _refund(paid, "failed").pk],
            "matter": matter.pk,
            "settled": settled.pk,
            "event": event.pk,
            "link": [link.pk, str(link.link_id)],
            "closed": [str(one.link_id) for one in closed],
        },
        sys.stdout,
    )


def _settled(session: PaymentSession) -> Attention:
    matter = make_matter(
        session, Attention.Kind.OVERSOLD, resolved_at=timezone.now(), resolution=Attention.Resolution.DISMISSED
    )
    StaffAction.objects.create(
        verb="dismiss", session=session, attention=matter, user_name="Stella Staff", note="Restocked, and sent."
    )
    return matter


def _refund(payment: Payment, status: str, **facts: Any) -> Refund:
    number = Refund.objects.count()
    return Refund.objects.create(
        payment=payment,
        reference=f"SCENE-{number}",
        refund_id=f"RFSCENE{number}",
        currency="USD",
        amount=99,
        status=status,
        reason="A page is torn",
        due_at=None,
        **facts,
    )


def _link(name: str, **facts: Any) -> PaymentLink:
    lines = [{"product_id": "prod_mug", "name": "Enamel mug", "quantity": 2, "unit_amount": 1250}]
    known = {"currency": "USD", "amount": 2500, "asked_at": timezone.now(), "due_at": None}
    return PaymentLink.objects.create(link_id=uuid4(), name=name, lines=lines, **known, **facts)
