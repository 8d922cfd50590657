"""Money is given back once, never more than was paid, and its truth is found out whatever became of the answer."""

import hashlib
import hmac
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from oscar_nd8 import signals
from oscar_nd8.conf import get_settings
from oscar_nd8.exceptions import DecisionRefused, ProviderUnavailable
from oscar_nd8.models import Attention, Payment, PaymentSession, Refund, StaffAction, WebhookEvent
from oscar_nd8.money import to_minor
from oscar_nd8.services.refund import preview_refund, request_refund
from oscar_nd8.services.settle_refund import settle_refund
from oscar_nd8.shop.refundable import Chosen, refundable_of, refundables_of
from oscar_nd8.states import REFUND_ENDS, RefundStatus, SessionStatus
from oscar_nd8.testing import ND8, Shopper, make_user
from oscar_nd8.testing.emulated import post_webhook
from tests.refunding import REASON, books, end, later, order_of, pay
from tests.signing import signed

pytestmark = pytest.mark.django_db

CREATE = "createRefundForPayment"


@pytest.fixture
def payment(guest: Shopper, nd8: ND8, mug: Any) -> Payment:
    """24.97 USD, paid and placed."""
    return pay(guest, nd8, mug)


def test_a_part_is_asked_for_once_and_is_on_its_way(payment: Payment, nd8: ND8) -> None:
    clerk = make_user("clerk@example.com")

    refund = request_refund(payment, amount=999, reason=REASON, asked_by=clerk)

    assert (refund.status, refund.amount, refund.currency) == ("processing", 999, "USD")
    assert refund.refund_id.startswith("RF")
    assert (refund.origin, refund.asked_by, refund.reason) == ("shop", clerk, REASON)
    assert refund.due_at is not None
    [known] = nd8.state["refunds"]
    assert (known["id"], known["amount"], known["transaction_id"]) == (refund.refund_id, "9.99", payment.transaction_id)
    assert known["reason"] == f"{REASON} ({refund.reference})"
    action = StaffAction.objects.get()
    assert (action.verb, action.refund, action.session) == ("refund", refund, payment.session)
    assert action.user_name == "clerk@example.com"
    assert Attention.objects.count() == 0


def test_it_is_completed_when_nd8_says_so(payment: Payment, nd8: ND8) -> None:
    refund = request_refund(payment, amount=999, reason=REASON)
    assert settle_refund(refund).status == "processing"
    end(nd8, refund.refund_id)

    settle_refund(refund)

    assert (refund.status, refund.raw_status) == ("completed", "completed")
    assert refund.closed_at is not None


def test_everything_is_what_was_paid(payment: Payment, nd8: ND8) -> None:
    refund = request_refund(payment, everything=True, reason=REASON)
    assert refund.amount == 2497
    assert books(nd8) == [("24.97", "processing")]
    money = refundable_of(payment)
    assert (money.paid, money.on_its_way, money.refunded, money.remaining) == (2497, 2497, 0, 0)
    assert money.is_over


def test_what_remains_shrinks_with_each_refund_and_grows_when_one_fails(payment: Payment, nd8: ND8) -> None:
    first = request_refund(payment, amount=1000, reason=REASON)
    second = request_refund(payment, amount=497, reason=REASON)
    assert refundable_of(payment).remaining == 1000
    end(nd8, first.refund_id)
    settle_refund(first)
    end(nd8, second.refund_id, "failed")
    settle_refund(second)

    money = refundable_of(payment)
    assert (money.refunded, money.on_its_way, money.remaining) == (1000, 0, 1497)


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ({"amount": 2498}, r"Only 24\.97 USD"),
        ({"amount": 0}, "above zero"),
        ({"amount": -100}, "above zero"),
        ({}, "how much"),
        ({"amount": 100, "everything": True}, "how much"),
        ({"chosen": Chosen({"0": 1})}, "not part of this payment"),
        ({"chosen": Chosen({}, frozenset({"gift"}))}, "not part of this payment"),
        ({"amount": 100, "reason": " \n\t"}, "give a reason"),
        ({"amount": 100, "reason": "x" * 486}, "too long"),
    ],
)
def test_what_cannot_be_given_back_is_refused_before_anything_is_written(
    payment: Payment, nd8: ND8, wanted: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(DecisionRefused, match=sentence):
        request_refund(payment, **{"reason": REASON, **wanted})
    assert Refund.objects.count() == StaffAction.objects.count() == 0
    assert nd8.calls(CREATE) == 0


def test_the_longest_reason_fits_with_our_reference(payment: Payment, nd8: ND8) -> None:
    request_refund(payment, amount=100, reason="ü" * 485)
    assert len(nd8.state["refunds"][0]["reason"]) == 500


def test_more_than_what_is_left_is_refused(payment: Payment, nd8: ND8) -> None:
    request_refund(payment, amount=2000, reason=REASON)
    with pytest.raises(DecisionRefused, match=r"Only 4\.97 USD"):
        request_refund(payment, amount=498, reason=REASON)
    request_refund(payment, amount=497, reason=REASON)
    with pytest.raises(DecisionRefused, match="Nothing of this payment is left"):
        request_refund(payment, everything=True, reason=REASON)
    assert books(nd8) == [("20.00", "processing"), ("4.97", "processing")]


def test_a_payment_without_money_or_whose_order_is_due_is_refused(payment: Payment, nd8: ND8) -> None:
    PaymentSession.objects.update(status=SessionStatus.PAID, order=None)
    with pytest.raises(DecisionRefused, match="just being placed"):
        request_refund(payment, amount=100, reason=REASON)
    PaymentSession.objects.update(status=SessionStatus.FAILED)
    with pytest.raises(DecisionRefused, match="holds no money"):
        request_refund(payment, amount=100, reason=REASON)
    assert nd8.calls(CREATE) == 0


def test_the_same_form_twice_is_one_refund(payment: Payment, nd8: ND8) -> None:
    key = uuid4()
    first = request_refund(payment, amount=100, reason=REASON, form_key=key)
    second = request_refund(payment, amount=100, reason=REASON, form_key=key)
    assert first == second
    assert nd8.calls(CREATE) == 1


def test_a_form_of_another_payment_gives_nothing_back(payment: Payment, guest: Shopper, nd8: ND8, mug: Any) -> None:
    key = uuid4()
    request_refund(payment, amount=100, reason=REASON, form_key=key)
    other = pay(guest, nd8, mug, 1)
    with pytest.raises(DecisionRefused, match="another payment"):
        request_refund(other, amount=100, reason=REASON, form_key=key)
    assert nd8.calls(CREATE) == 1


def test_who_did_not_know_of_a_colleagues_refund_is_told_of_it_and_gives_nothing_back(
    payment: Payment, nd8: ND8
) -> None:
    first = request_refund(payment, amount=100, reason=REASON, asked_by=make_user("clerk@example.com"), seen=0)
    with pytest.raises(DecisionRefused, match=r"refund of 1\.00 USD was asked for \(clerk@example\.com\)"):
        request_refund(payment, amount=100, reason=REASON, seen=0)
    assert nd8.calls(CREATE) == 1
    assert request_refund(payment, amount=100, reason=REASON, seen=first.pk).status == "processing"

    nd8.refund(payment.session, amount="1.00")
    nd8.deliver()
    with pytest.raises(DecisionRefused, match="In ND8's dashboard"):
        request_refund(payment, amount=100, reason=REASON, seen=first.pk + 1)


def test_who_took_a_placed_order_for_none_gives_nothing_back(payment: Payment, nd8: ND8) -> None:
    with pytest.raises(DecisionRefused, match=r"Meanwhile order \d+ was placed \(the shop\)"):
        request_refund(payment, everything=True, reason=REASON, seen_status=SessionStatus.HELD)
    assert nd8.calls(CREATE) == 0


def test_a_preview_says_what_would_be_given_back_and_gives_nothing(payment: Payment, nd8: ND8) -> None:
    line, *_ = refundable_of(payment).lines
    assert preview_refund(payment, chosen=Chosen({line.key: 1})) == (
        999,
        {"lines": {line.key: {"quantity": 1, "amount": 999}}, "charges": {}},
    )
    with pytest.raises(DecisionRefused, match=r"Only 24\.97 USD"):
        preview_refund(payment, amount=2498)
    assert nd8.calls(CREATE) == Refund.objects.count() == 0


def test_of_a_payment_that_was_made_twice_one_is_given_back_without_its_goods(payment: Payment, nd8: ND8) -> None:
    nd8.outcome(payment.session, new_transaction=True)
    nd8.deliver()
    surplus = Payment.objects.exclude(pk=payment.pk).get()
    assert refundable_of(payment).lines == refundable_of(surplus).lines == ()

    refund = request_refund(surplus, everything=True, reason=REASON, restock=True)

    assert (refund.amount, refund.parts, refund.restock) == (2497, {"everything": True}, False)
    [kept, gone] = refundables_of(payment.session)
    assert (kept.payment, kept.remaining, [line.left for line in kept.lines]) == (payment, 2497, [2])
    assert (gone.payment, gone.is_over) == (surplus, True)


def test_nd8s_refusal_is_told_in_its_own_words_and_takes_nothing(
    payment: Payment, nd8: ND8, django_capture_on_commit_callbacks: Any
) -> None:
    nd8.control("organization", wallet_balance="0.00")
    failed: list[Refund] = []

    def note(refund: Refund, **_: Any) -> None:
        failed.append(refund)

    signals.refund_failed.connect(note)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            refund = request_refund(payment, amount=2497, reason=REASON)
    finally:
        signals.refund_failed.disconnect(note)

    assert failed == [refund]
    assert refund.status == "rejected"
    assert "The wallet balance is too low for this refund." in refund.status_reason
    assert "no money moved" in refund.status_reason
    assert (refund.due_at, refund.closed_at is None) == (None, False)
    assert refundable_of(payment).remaining == 2497
    assert Attention.objects.count() == 0


def test_a_key_without_the_scope_is_told_so(payment: Payment, nd8: ND8) -> None:
    key = get_settings().API_KEY.get_secret_value()
    nd8.control("keys", key=key, scopes=["checkout:create", "payments:read"])
    refund = request_refund(payment, amount=100, reason=REASON)
    assert refund.status == "rejected"
    assert "refunds:write" in refund.status_reason
    assert books(nd8) == []


def test_an_nd8_that_takes_no_requests_moved_nothing(payment: Payment, nd8: ND8) -> None:
    nd8.fault(CREATE, "429")
    refund = request_refund(payment, amount=100, reason=REASON)
    assert (refund.status, refund.due_at) == ("failed", None)
    assert "No money moved. Please try again" in refund.status_reason
    assert refundable_of(payment).remaining == 2497
    assert request_refund(payment, amount=2497, reason=REASON).status == "processing"


@pytest.fixture
def tax_added(nd8: ND8, settings: Any) -> None:
    """An HT account: ND8 adds 20 % of tax and does not say so."""
    settings.ND8 = {**settings.ND8, "PRICE_MODE": "HT"}
    nd8.control("organization", price_mode="HT")


def test_of_what_nd8_added_only_everything_gives_back_all(tax_added: None, guest: Shopper, nd8: ND8, mug: Any) -> None:
    payment = pay(guest, nd8, mug)
    assert nd8.state["transactions"][0]["total"] == "29.96"
    money = refundable_of(payment)
    assert (money.paid, money.certain, money.remaining) == (None, False, 2497)
    first = request_refund(payment, amount=999, reason=REASON)
    assert books(nd8) == [("9.99", "processing")], "what the form shows is what the customer gets"
    with pytest.raises(DecisionRefused, match="Only"):
        request_refund(payment, amount=1499, reason=REASON)

    rest = request_refund(payment, everything=True, reason=REASON)

    assert rest.amount == 1997, "as ND8 says"
    assert nd8.state["transactions"][0]["remaining"] == "0.00"
    for refund in (first, rest):
        end(nd8, refund.refund_id)
        settle_refund(refund)
    assert refundable_of(payment).refunded == 2996
    assert list(Attention.objects.values_list("kind", "resolution")) == [("held", "refunded")]


def test_what_failed_after_everything_else_went_back_can_be_asked_for_again(
    tax_added: None, guest: Shopper, nd8: ND8, mug: Any
) -> None:
    payment = pay(guest, nd8, mug)
    part = request_refund(payment, amount=999, reason=REASON)
    rest = request_refund(payment, everything=True, reason=REASON)
    with pytest.raises(DecisionRefused, match="Nothing of this payment is left"):
        request_refund(payment, everything=True, reason=REASON)
    end(nd8, part.refund_id, "failed")
    settle_refund(part)
    assert Attention.objects.filter(kind="refund_failed", subject=part.reference, resolution="").count() == 1

    again = request_refund(payment, everything=True, reason=REASON)

    assert again.amount == 999, "as ND8 says"
    for refund in (rest, again):
        end(nd8, refund.refund_id)
        settle_refund(refund)
    assert nd8.state["transactions"][0]["remaining"] == "0.00"
    assert refundable_of(payment).refunded == 2996
    assert refundable_of(payment).is_over


def test_staff_hear_of_a_part_that_failed_after_all_the_rest_went_back(payment: Payment, nd8: ND8) -> None:
    part = request_refund(payment, amount=999, reason=REASON)
    rest = request_refund(payment, everything=True, reason=REASON)
    assert rest.amount == 1498
    end(nd8, rest.refund_id)
    settle_refund(rest)
    end(nd8, part.refund_id, "failed")

    settle_refund(part)

    matter = Attention.objects.get()
    assert (matter.kind, matter.subject, matter.resolution) == ("refund_failed", part.reference, "")
    assert refundable_of(payment).remaining == 999
    again = request_refund(payment, everything=True, reason=REASON)
    end(nd8, again.refund_id)
    settle_refund(again)
    matter.refresh_from_db()
    assert matter.resolution == "refunded"
    assert nd8.state["transactions"][0]["remaining"] == "0.00"


def test_while_the_answer_to_everything_is_lost_nothing_else_is_given_back(
    tax_added: None, guest: Shopper, nd8: ND8, mug: Any
) -> None:
    payment = pay(guest, nd8, mug)
    nd8.fault(CREATE, "timeout_after")
    refund = request_refund(payment, everything=True, reason=REASON)
    assert (refund.status, refund.amount) == ("unknown", 2497)
    for wanted in ({"amount": 1}, {"everything": True}):
        with pytest.raises(DecisionRefused):
            request_refund(payment, reason=REASON, **wanted)
    assert settle_refund(refund).amount == 2996
    assert nd8.calls(CREATE) == 1


@pytest.mark.parametrize("kind", ["timeout_after", "garbage"])
def test_a_refund_whose_answer_was_lost_is_found_and_never_made_twice(payment: Payment, nd8: ND8, kind: str) -> None:
    nd8.fault(CREATE, kind)

    refund = request_refund(payment, amount=2000, reason=REASON)

    assert (refund.status, refund.refund_id) == ("unknown", "")
    assert "do not ask again" in refund.status_reason
    with pytest.raises(DecisionRefused, match=r"Only 4\.97 USD"):
        request_refund(payment, amount=2000, reason=REASON)

    settle_refund(refund)

    assert (refund.status, refund.refund_id) == ("processing", nd8.state["refunds"][0]["id"])
    assert refund.status_reason == ""
    assert nd8.calls(CREATE) == 1
    assert Refund.objects.count() == 1


@pytest.mark.parametrize("kind", ["timeout_before", "500", "reset"])
def test_a_refund_that_never_reached_nd8_is_free_again_after_a_safe_while(
    payment: Payment, nd8: ND8, kind: str
) -> None:
    nd8.fault(CREATE, kind)
    refund = request_refund(payment, amount=2497, reason=REASON)
    assert settle_refund(refund, clock=later(14)).status == "unknown"
    assert refundable_of(payment).remaining == 0

    settle_refund(refund, clock=later(16))

    assert (refund.status, refund.due_at) == ("failed", None)
    assert "never received" in refund.status_reason
    matter = Attention.objects.get()
    assert (matter.kind, matter.subject) == ("refund_failed", refund.reference)
    assert books(nd8) == []
    assert request_refund(payment, amount=2497, reason=REASON).status == "processing"


def test_a_search_that_fails_declares_nothing(payment: Payment, nd8: ND8) -> None:
    nd8.fault(CREATE, "timeout_after")
    refund = request_refund(payment, amount=2497, reason=REASON)
    nd8.fault("listRefunds", "500", times=99)
    with pytest.raises(ProviderUnavailable):
        settle_refund(refund, clock=later(60))
    refund.refresh_from_db()
    assert refund.status == "unknown"
    assert refund.due_at is not None


def test_a_crash_between_row_and_call_is_found_out_the_same_way(payment: Payment, nd8: ND8) -> None:
    nd8.fault(CREATE, "timeout_after")
    refund = request_refund(payment, amount=100, reason=REASON)
    Refund.objects.update(status=RefundStatus.REQUESTED, status_reason="")
    refund.refresh_from_db()

    assert settle_refund(refund).status == "requested", "its own answer may still be on its way"
    assert nd8.calls("listRefunds") == 0
    assert settle_refund(refund, clock=later(3)).status == "processing"
    assert refund.refund_id == nd8.state["refunds"][0]["id"]


def test_a_refund_among_hundreds_is_found(payment: Payment, nd8: ND8) -> None:
    for _number in range(101):
        nd8.refund(payment.session, amount="0.01", status="failed")
    nd8.fault(CREATE, "timeout_after")
    refund = request_refund(payment, amount=100, reason=REASON)
    settle_refund(refund)
    assert refund.status == "processing"
    assert Refund.objects.filter(origin="provider", status="failed").count() == 101


def test_a_refund_given_up_here_that_shows_up_after_all_is_taken_over(payment: Payment, nd8: ND8) -> None:
    nd8.fault(CREATE, "timeout_after")
    refund = request_refund(payment, amount=100, reason=REASON)
    Refund.objects.update(status=RefundStatus.FAILED)
    nd8.deliver(index=-1)
    refund.refresh_from_db()
    assert (refund.status, Refund.objects.count()) == ("processing", 1)


def test_a_refund_made_in_nd8s_dashboard_appears_here_with_all_that_follows(payment: Payment, nd8: ND8) -> None:
    refund_id = nd8.refund(payment.session, amount="5.00", status="processing")
    assert nd8.deliver_new().status_code == 200

    refund = Refund.objects.get()
    assert (refund.refund_id, refund.payment, refund.origin) == (refund_id, payment, "provider")
    assert (refund.status, refund.amount, refund.asked_by) == ("processing", 500, None)
    assert refundable_of(payment).remaining == 1997

    end(nd8, refund_id)
    nd8.deliver_new()
    nd8.deliver()
    refund.refresh_from_db()
    assert (refund.status, Refund.objects.count()) == ("completed", 1)


def refund_event(body: dict[str, Any]) -> int:
    """A signed notification about a refund, in whatever shape."""
    return int(post_webhook(Client(), *signed(body)).status_code)


BODIES: list[Callable[[dict[str, Any]], dict[str, Any]]] = [
    lambda known: {"refund_id": known["number"], "refund_public_id": known["id"][2:], "transaction_id": 17},
    lambda known: {"refund_id": known["number"], "transaction_id": 17},
    lambda known: {"id": known["id"], "order_id": None},
    lambda known: {"refund": {"id": known["id"][2:]}},
    lambda known: {"data": {"refund_id": known["id"]}, "new": [1]},
]


@pytest.mark.parametrize("shape", BODIES)
def test_whatever_shape_a_refunds_notification_has_nd8_is_asked(
    payment: Payment, nd8: ND8, shape: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    nd8.refund(payment.session, amount="5.00")
    [known] = nd8.state["refunds"]
    assert refund_event({"event": "refund.status_changed", **shape(known)}) == 200
    refund = Refund.objects.get()
    assert (refund.refund_id, refund.status) == (known["id"], "completed")
    assert Payment.objects.count() == 1


def test_a_notification_that_lies_changes_nothing(payment: Payment, nd8: ND8) -> None:
    refund = request_refund(payment, amount=100, reason=REASON)
    body = {"event": "refund.status_changed", "refund_id": refund.refund_id, "status": "completed", "amount": "99.00"}
    assert refund_event(body) == 200
    refund.refresh_from_db()
    assert (refund.status, refund.amount) == ("processing", 100)
    assert refund_event({**body, "refund_id": "RFnobody"}) == 200
    assert Refund.objects.count() == 1


def test_a_refund_of_a_payment_unknown_here_is_kept_and_changes_nothing(payment: Payment, nd8: ND8) -> None:
    refund_id = nd8.refund(payment.session, amount="5.00")
    Payment.objects.update(transaction_id="TXelsewhere")
    assert refund_event({"event": "refund.status_changed", "refund_id": refund_id}) == 200
    assert Refund.objects.count() == 0


def test_an_older_answer_changes_nothing(payment: Payment, nd8: ND8) -> None:
    refund = request_refund(payment, amount=100, reason=REASON)
    end(nd8, refund.refund_id, "failed")
    assert settle_refund(refund, clock=later(-5)).status == "processing"
    assert settle_refund(refund).status == "failed"


def test_a_clock_that_once_went_wrong_stops_nothing(payment: Payment, nd8: ND8) -> None:
    refund = request_refund(payment, amount=100, reason=REASON)
    Refund.objects.update(asked_at=later(600_000)())
    end(nd8, refund.refund_id)
    assert settle_refund(refund).status == "completed"


# Whatever goes wrong, and wherever


GOES_WRONG = [(CREATE, kind) for kind in ("500", "429", "garbage", "reset", "slow", "timeout_before", "timeout_after")]
GOES_WRONG += [(operation, kind) for operation in ("getRefundById", "listRefunds") for kind in ("500", "timeout_after")]


@pytest.mark.parametrize(("operation", "kind"), GOES_WRONG)
def test_wherever_an_answer_is_lost_the_customer_has_the_money_once_and_the_books_say_so(
    payment: Payment, nd8: ND8, mailoutbox: list[Any], operation: str, kind: str
) -> None:
    mailoutbox.clear()
    if operation == "listRefunds":
        # Only then is it looked for there.
        nd8.fault(CREATE, "timeout_after")
    nd8.fault(operation, kind, times=1 if operation == CREATE else 99)
    refund = request_refund(payment, everything=True, reason=REASON)
    for known in nd8.state["refunds"]:
        end(nd8, known["id"])
    if operation != CREATE:
        with pytest.raises(ProviderUnavailable):
            settle_refund(refund, clock=later(20))
        refund.refresh_from_db()
        assert refund.state not in REFUND_ENDS, "a question without an answer declares nothing"
        nd8.fault(operation, kind, times=0)

    for _number in range(3):
        settle_refund(refund, clock=later(20))

    made = books(nd8)
    assert nd8.calls(CREATE) == 1
    assert len(made) <= 1
    assert (refund.status, made) in [("completed", [("24.97", "completed")]), ("failed", [])]
    given_back = 2497 if made else 0
    money = refundable_of(payment)
    assert (money.refunded, money.on_its_way, money.remaining) == (given_back, 0, 2497 - given_back)
    assert to_minor(order_of(payment).sources.get().amount_refunded, "USD") == given_back
    assert len(mailoutbox) == len(made)


@pytest.mark.parametrize("forgery", ["unsigned", "signed with another secret", "changed after it was signed"])
def test_a_forged_notification_is_refused_at_the_door_and_nd8_is_not_even_asked(
    payment: Payment, nd8: ND8, forgery: str
) -> None:
    refund = request_refund(payment, amount=100, reason=REASON)
    end(nd8, refund.refund_id)
    unheard = nd8.refund(payment.session, amount="5.00")
    events = WebhookEvent.objects.count()
    for refund_id in (refund.refund_id, unheard, "RFnobody"):
        raw, headers = signed({"event": "refund.status_changed", "refund_id": refund_id, "status": "completed"})
        match forgery:
            case "unsigned":
                del headers["X-Webhook-Signature"]
            case "signed with another secret":
                headers["X-Webhook-Signature"] = "sha256=" + hmac.new(b"guessed", raw, hashlib.sha256).hexdigest()
            case _:
                raw = raw.replace(b"completed", b"failed")
        assert post_webhook(Client(), raw, headers).status_code == 400

    assert nd8.calls("getRefundById") == 0
    assert WebhookEvent.objects.count() == events
    assert list(Refund.objects.values_list("reference", "status")) == [(refund.reference, "processing")]
    assert order_of(payment).sources.get().amount_refunded == 0
    assert Attention.objects.count() == 0
