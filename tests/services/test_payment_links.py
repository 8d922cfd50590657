"""Payment links are as ND8 says, and whoever pays by one has paid, once, whatever else happens."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone
from oscar.core.loading import get_model

from oscar_nd8 import signals
from oscar_nd8.exceptions import DecisionRefused, NoLongerAvailable, NotOffered, ProviderError, ProviderUnavailable
from oscar_nd8.models import Attention, Payment, PaymentLink, PaymentSession, Refund, StaffAction, WebhookEvent
from oscar_nd8.services.follow_links import follow_link, follow_links
from oscar_nd8.services.payment_links import (
    change_link,
    create_link,
    delete_link,
    look_at_link,
    preview_link,
    refresh_links,
)
from oscar_nd8.services.reconcile import Done, reconcile
from oscar_nd8.services.refund import request_refund
from oscar_nd8.shop.link_offer import lines_of
from oscar_nd8.shop.refundable import refundable_of
from oscar_nd8.states import EventStatus, SessionStatus
from oscar_nd8.testing import ND8
from tests.linking import begin, buy_elsewhere, make_link, merchant

pytestmark = pytest.mark.django_db(transaction=True)

OPEN, GONE = PaymentLink.Availability.OPEN, PaymentLink.Availability.GONE
FAR = datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture
def link(nd8: ND8) -> PaymentLink:
    """Two mugs for 25.00 USD."""
    return make_link()


@pytest.fixture
def session(link: PaymentLink) -> PaymentSession:
    """Ada is on ND8's page to pay by the link."""
    return begin(link)


# The merchant's side


def test_a_new_link_is_kept_as_nd8_says(nd8: ND8, user: Any) -> None:
    link = make_link(expires_at=FAR, max_uses=3, by=user)

    assert (link.name, link.currency, link.amount, link.tax_included) == ("Christmas market", "USD", 2500, True)
    assert [(line.name, line.quantity, str(line.unit), str(line.total)) for line in lines_of(link)] == [
        ("Enamel mug", 2, "12.50", "25.00")
    ]
    assert (link.expires_at, link.max_uses, link.uses, link.availability) == (FAR, 3, 0, OPEN)
    action = StaffAction.objects.get()
    assert (action.verb, action.link, action.user) == (StaffAction.Verb.LINK, link, user)


def test_what_nd8_refuses_is_told_in_its_words_and_nothing_is_kept(nd8: ND8) -> None:
    with pytest.raises(DecisionRefused, match="no product of the catalogue has this id"):
        make_link(products=[("prod_moon", 1)])
    with pytest.raises(DecisionRefused, match="nothing was sent"):
        make_link(currency="GBP")
    assert not PaymentLink.objects.exists()
    assert nd8.calls("createPaymentLink") == 1


def test_a_link_whose_answer_is_lost_is_found_and_not_made_twice(nd8: ND8) -> None:
    nd8.control("faults", operation="createPaymentLink", kind="timeout_after", times=1)

    link = make_link()

    assert (link.name, nd8.calls("createPaymentLink")) == ("Christmas market", 1)
    assert len(merchant("GET", "payment-links/")) == 1


def test_where_nobody_can_tell_whether_the_link_was_made_staff_are_told_to_look(nd8: ND8) -> None:
    nd8.control("faults", operation="createPaymentLink", kind="timeout_before", times=1)
    with pytest.raises(DecisionRefused, match="create it again only if it is not there"):
        make_link()
    assert not PaymentLink.objects.exists()


def test_a_link_is_changed_at_nd8_and_here(link: PaymentLink, user: Any) -> None:
    change_link(link, {"name": "Easter", "is_active": False, "expires_at": FAR, "max_uses": 7}, by=user)

    kept = PaymentLink.objects.get()
    assert (kept.name, kept.is_active, kept.expires_at, kept.max_uses) == ("Easter", False, FAR, 7)
    said = merchant("GET", f"payment-links/{link.link_id}/")
    assert (said["name"], said["is_active"], said["max_uses"]) == ("Easter", False, 7)

    change_link(kept, {"expires_at": None, "max_uses": None, "is_active": True})

    kept.refresh_from_db()
    assert (kept.name, kept.expires_at, kept.max_uses, kept.availability) == ("Easter", None, None, OPEN)
    assert merchant("GET", f"payment-links/{link.link_id}/")["expires_at"] is None


def test_a_change_whose_answer_is_lost_is_looked_up(link: PaymentLink, nd8: ND8) -> None:
    nd8.control("faults", operation="patchPaymentLink", kind="timeout_after", times=1)
    with pytest.raises(DecisionRefused, match="shown as ND8 has it now"):
        change_link(link, {"name": "Easter"})
    link.refresh_from_db()
    assert (link.name, nd8.calls("patchPaymentLink")) == ("Easter", 1)


def test_only_four_things_of_a_link_can_change(link: PaymentLink) -> None:
    with pytest.raises(TypeError, match="amount"):
        change_link(link, {"amount": 1})


def test_a_deleted_link_stays_here_as_deleted(link: PaymentLink, nd8: ND8) -> None:
    delete_link(link)
    delete_link(link)

    link.refresh_from_db()
    assert link.availability is PaymentLink.Availability.DELETED
    assert merchant("GET", "payment-links/") == []
    with pytest.raises(DecisionRefused, match="was deleted"):
        change_link(link, {"name": "Easter"})


def test_links_made_and_deleted_in_nd8s_dashboard_are_followed(link: PaymentLink, nd8: ND8) -> None:
    fields = {"name": "From ND8", "products": [{"product_id": "prod_poster", "quantity": 1}], "currency": "EUR"}
    merchant("POST", "payment-links/", **fields)
    merchant("DELETE", f"payment-links/{link.link_id}/")

    refresh_links()

    assert {each.name: each.availability for each in PaymentLink.objects.all()} == {
        "From ND8": OPEN,
        "Christmas market": PaymentLink.Availability.DELETED,
    }


@pytest.mark.parametrize("kind", ["500", "garbage"])
def test_while_nd8_is_down_the_last_known_state_stays_with_its_date(link: PaymentLink, nd8: ND8, kind: str) -> None:
    for operation in ("listPaymentLinks", "getPaymentLink", "patchPaymentLink", "getPublicPaymentLink"):
        nd8.control("faults", operation=operation, kind=kind, times=50)
    before = PaymentLink.objects.values().get()

    for ask in (lambda: refresh_links(), lambda: look_at_link(link), lambda: preview_link(link)):
        with pytest.raises(ProviderError):
            ask()
    with pytest.raises(DecisionRefused):
        change_link(link, {"name": "Easter"})

    assert PaymentLink.objects.values().get() == before


def test_a_merchant_token_that_ended_is_told_as_such(link: PaymentLink, settings: Any) -> None:
    settings.ND8 = {**settings.ND8, "MERCHANT_TOKEN": "ended"}
    with pytest.raises(DecisionRefused, match="MERCHANT_TOKEN"):
        change_link(link, {"name": "Easter"})


def test_an_older_answer_does_not_overwrite_a_newer_one(link: PaymentLink) -> None:
    merchant("PATCH", f"payment-links/{link.link_id}/", name="Newer")
    look_at_link(link, clock=lambda: timezone.now() + timedelta(minutes=1))
    merchant("PATCH", f"payment-links/{link.link_id}/", name="Newest, but asked about before")

    assert look_at_link(link).name == "Newer"


@pytest.mark.parametrize(
    ("facts", "availability"),
    [
        ({}, "open"),
        ({"is_active": False}, "inactive"),
        ({"expires_at": datetime(2020, 1, 1, tzinfo=UTC)}, "expired"),
        ({"max_uses": 1, "uses": 1}, "used_up"),
        ({"max_uses": 1, "uses": None}, "open"),
        ({"gone_at": FAR}, "gone"),
        ({"deleted_at": FAR, "is_active": False}, "deleted"),
    ],
)
def test_whether_somebody_can_buy_by_a_link(facts: dict[str, Any], availability: str) -> None:
    assert PaymentLink(**facts).availability == availability


def test_a_customers_view_tells_that_a_link_closed_and_opened_again(link: PaymentLink, settings: Any) -> None:
    merchant("PATCH", f"payment-links/{link.link_id}/", is_active=False)
    with_token = settings.ND8
    settings.ND8 = {**with_token, "MERCHANT_TOKEN": ""}
    assert preview_link(link).availability is GONE

    settings.ND8 = with_token
    change_link(link, {"is_active": True})

    assert preview_link(link).availability is OPEN
    assert (link.name, link.amount) == ("Christmas market", 2500)


# Paying by a link


def test_a_paid_link_is_a_sale_without_an_order(session: PaymentSession, nd8: ND8) -> None:
    confirmed: list[PaymentSession] = []

    def receive(session: PaymentSession, **_: Any) -> None:
        confirmed.append(session)

    signals.payment_confirmed.connect(receive)
    nd8.outcome(session)
    nd8.deliver()
    nd8.deliver()
    signals.payment_confirmed.disconnect(receive)

    session.refresh_from_db()
    assert (session.status, session.amount, session.order_id, session.is_paid) == (SessionStatus.SOLD, 2500, None, True)
    payment = session.payments.get()
    assert payment.fee is not None
    assert payment.debited_at is not None
    assert [each.pk for each in confirmed] == [session.pk]
    assert not get_model("order", "Order").objects.exists()
    assert not Attention.objects.exists()
    assert session.due_at is None


def test_a_browser_that_says_it_paid_sells_nothing(session: PaymentSession) -> None:
    follow_links()
    session.refresh_from_db()
    assert session.status == SessionStatus.OPEN
    assert not Payment.objects.exists()


@pytest.mark.parametrize(("outcome", "status"), [("failed", "failed"), ("canceled", "canceled")])
def test_an_unpaid_link_sells_nothing_and_can_be_paid_later(
    session: PaymentSession, nd8: ND8, outcome: str, status: str
) -> None:
    nd8.outcome(session, outcome)
    nd8.deliver()
    session.refresh_from_db()
    assert session.status == status

    again = begin(session.link)  # type: ignore[arg-type]  # a session of a link
    nd8.outcome(again)
    nd8.deliver()

    again.refresh_from_db()
    assert again.status == SessionStatus.SOLD


def test_a_deposit_that_arrives_later_is_counted_then(session: PaymentSession, nd8: ND8) -> None:
    nd8.outcome(session, "pending_deposit")
    nd8.deliver()
    payment = Payment.objects.get()
    assert (payment.allocated_at is None, payment.debited_at) == (False, None)

    nd8.outcome(session, "paid")
    reconcile(everything=True)

    payment.refresh_from_db()
    assert payment.debited_at is not None


def test_the_same_form_sent_twice_begins_one_payment(link: PaymentLink, nd8: ND8) -> None:
    key = uuid4()
    first, second = begin(link, form_key=key), begin(link, form_key=key)
    assert first == second
    assert nd8.calls("startPaymentLinkCheckout") == 1
    assert begin(link) != first


@pytest.mark.parametrize(
    "change", [{"is_active": False}, {"expires_at": "2020-01-01T00:00:00Z"}], ids=["inactive", "expired"]
)
def test_a_link_that_closed_at_nd8_begins_nothing_and_is_known_closed(
    link: PaymentLink, nd8: ND8, change: dict[str, Any]
) -> None:
    merchant("PATCH", f"payment-links/{link.link_id}/", **change)
    for _attempt in range(2):
        with pytest.raises(NoLongerAvailable):
            begin(link)
        link.refresh_from_db()
    assert nd8.calls("startPaymentLinkCheckout") == 1
    assert link.availability is not OPEN
    assert [each.status for each in PaymentSession.objects.all()] == ["failed"]


def test_a_link_without_a_known_price_is_not_sold_here(link: PaymentLink, nd8: ND8) -> None:
    PaymentLink.objects.update(amount=None)
    link.refresh_from_db()
    with pytest.raises(NotOffered, match="price is not known"):
        begin(link)
    assert nd8.calls("startPaymentLinkCheckout") == 0


def test_a_start_that_fails_leaves_nothing_open(link: PaymentLink, nd8: ND8) -> None:
    nd8.control("faults", operation="startPaymentLinkCheckout", kind="500", times=1)
    with pytest.raises(ProviderError):
        begin(link)
    session = PaymentSession.objects.get()
    assert (session.status, session.due_at) == (SessionStatus.FAILED, None)


def test_a_payment_page_elsewhere_is_refused(link: PaymentLink, settings: Any) -> None:
    settings.ND8 = {**settings.ND8, "CHECKOUT_HOSTS": ["pay.example.com"]}
    with pytest.raises(ProviderError, match="where shoppers are not sent"):
        begin(link)
    assert PaymentSession.objects.get().checkout_url == ""


def test_a_sale_is_refunded_in_full_and_by_piece(session: PaymentSession, nd8: ND8, user: Any) -> None:
    nd8.outcome(session)
    nd8.deliver()
    payment = Payment.objects.get()
    refundable = refundable_of(payment)
    assert (refundable.paid, [(line.title, line.left, line.amount) for line in refundable.lines]) == (
        2500,
        [("Enamel mug", 2, 2500)],
    )

    with pytest.raises(DecisionRefused, match="was accepted as a sale"):
        request_refund(payment, amount=1250, reason="It was held", seen_status=SessionStatus.HELD)
    refund = request_refund(payment, amount=1250, reason="One was broken", asked_by=user)
    rest = request_refund(payment, everything=True, reason="The other, too", asked_by=user)
    for each in (refund, rest):
        nd8.control(f"refunds/{each.refund_id}/outcome", status="completed")
    reconcile(everything=True)

    assert {each.status for each in Refund.objects.all()} == {"completed"}
    assert sum(each.amount for each in Refund.objects.all()) == 2500
    session.refresh_from_db()
    assert session.status == SessionStatus.SOLD


def test_of_a_price_without_tax_nobody_here_knows_what_the_customer_paid(nd8: ND8) -> None:
    fields = {"name": "Net", "products": [{"product_id": "prod_mug", "quantity": 1}], "pricing_mode": "TAX_EXCLUSIVE"}
    merchant("POST", "payment-links/", **fields)
    (link,) = refresh_links()
    session = begin(link)
    nd8.outcome(session)
    nd8.deliver()
    session.refresh_from_db()
    assert (link.tax_included, session.status) == (False, SessionStatus.SOLD)
    refundable = refundable_of(Payment.objects.get())
    assert (refundable.paid, refundable.may_take_everything) == (None, True)


# Payments begun elsewhere


def test_a_payment_on_nd8s_own_page_of_the_link_is_taken_over(link: PaymentLink, nd8: ND8) -> None:
    transaction_id = buy_elsewhere(nd8, link)
    nd8.deliver()
    assert WebhookEvent.objects.get().status == EventStatus.UNMATCHED

    summary = reconcile()
    assert summary.done[Done.SOLD] == 1

    session = PaymentSession.objects.get()
    assert (session.link, session.status, session.email) == (link, SessionStatus.SOLD, "bob@example.com")
    assert session.payments.get().transaction_id == transaction_id
    assert session.checkout_id
    link.refresh_from_db()
    assert (link.uses, link.statistics["paid"]) == (1, 1)
    reconcile(everything=True)
    assert WebhookEvent.objects.get().status == EventStatus.PROCESSED
    assert (PaymentSession.objects.count(), Attention.objects.count()) == (1, 0)


def test_a_payment_that_nobody_told_of_is_taken_over_too_and_once(link: PaymentLink, nd8: ND8) -> None:
    buy_elsewhere(nd8, link)
    for outcome in ("failed", "canceled", "processing"):
        buy_elsewhere(nd8, link, outcome)

    assert [each.status for each in follow_links()] == ["sold"]
    assert follow_links() == []

    nd8.deliver(index=0)
    assert WebhookEvent.objects.get().status == EventStatus.PROCESSED
    assert (PaymentSession.objects.count(), Attention.objects.count()) == (1, 0)


def test_a_payment_begun_here_whose_notification_was_lost_is_found_by_the_link(
    session: PaymentSession, nd8: ND8
) -> None:
    nd8.outcome(session)
    assert follow_link(session.link) == [session]  # type: ignore[arg-type]  # a session of a link
    session.refresh_from_db()
    assert session.status == SessionStatus.SOLD

    nd8.deliver()
    assert (PaymentSession.objects.count(), Attention.objects.count()) == (1, 0)


def test_two_customers_of_one_link_are_two_sales(session: PaymentSession, nd8: ND8) -> None:
    nd8.outcome(session)
    nd8.deliver()
    buy_elsewhere(nd8, session.link)  # type: ignore[arg-type]  # a session of a link
    follow_links()
    assert sorted(PaymentSession.objects.values_list("email", "status")) == [
        ("ada@example.com", "sold"),
        ("bob@example.com", "sold"),
    ]


def test_without_a_merchant_token_nothing_of_links_is_asked(link: PaymentLink, nd8: ND8, settings: Any) -> None:
    settings.ND8 = {**settings.ND8, "MERCHANT_TOKEN": ""}
    assert reconcile(everything=True).stopped == ""
    assert nd8.calls("getPaymentLink") == 0


def test_a_merchant_token_that_ended_stops_no_reconciling(link: PaymentLink, nd8: ND8, settings: Any) -> None:
    settings.ND8 = {**settings.ND8, "MERCHANT_TOKEN": "ended"}
    assert reconcile(everything=True).stopped == ""
    link.refresh_from_db()
    assert link.due_at is not None
    assert link.due_at > timezone.now()


def test_a_lost_answer_about_a_link_is_no_news(link: PaymentLink, nd8: ND8) -> None:
    nd8.control("faults", operation="getPaymentLink", kind="500", times=50)
    with pytest.raises(ProviderUnavailable):
        follow_link(link)
    assert create_link(name="Next", products=[("prod_mug", 1)], currency="EUR").currency == "EUR"
