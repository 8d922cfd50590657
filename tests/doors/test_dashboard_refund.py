"""Giving money back from the dashboard: who may, what they are asked, what they confirm, and what can go wrong."""

import re
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from oscar_nd8.models import Attention, Payment, PaymentSession, Refund, StaffAction
from oscar_nd8.services.place_anyway import place_anyway
from oscar_nd8.services.refund import request_refund
from oscar_nd8.shop.refundable import refundable_of
from oscar_nd8.states import PaymentState, SessionStatus
from oscar_nd8.testing import ND8, Shopper, make_user
from tests.refunding import REASON, books, end, pay
from tests.staff import VIEW, browser_of, make_partner, make_payment, make_session

pytestmark = pytest.mark.django_db

S = SessionStatus
CREATE = "createRefundForPayment"
MAY_REFUND = "oscar_nd8.refund_payment"


@pytest.fixture
def staff() -> Client:
    """Staff who may refund."""
    return browser_of("stella", VIEW, MAY_REFUND, staff=True)


@pytest.fixture
def payment(guest: Shopper, nd8: ND8, mug: Any) -> Payment:
    """24.97 USD, paid and placed: two mugs at 9.99, 4.99 of shipping."""
    return pay(guest, nd8, mug)


def path_of(session: PaymentSession) -> str:
    """Where the payment is refunded."""
    return f"/dashboard/payments/{session.pk}/refund/"


def words(response: Any) -> str:
    """A page that opens, blanks squeezed."""
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def key_of(payment: Payment) -> str:
    """The form's field for the pieces of the only line."""
    return f"line-{refundable_of(payment).lines[0].key}"


def review(client: Client, paid: Payment, **answers: Any) -> Any:
    """Send the form, like somebody who filled it in."""
    return client.post(path_of(paid.session), {"review": "1", "how": "lines", "reason": REASON, **answers})


def hidden(response: Any) -> dict[str, str]:
    """What the confirmation's buttons send."""
    fields = re.findall(r'<input type="hidden" name="([^"]+)"(?: value="([^"]*)")?', response.content.decode())
    return {name: value for name, value in fields if name != "csrfmiddlewaretoken"}


def confirm(client: Client, paid: Payment, **answers: Any) -> Any:
    """Through the form and its confirmation."""
    page = review(client, paid, **answers)
    return client.post(path_of(paid.session), {**hidden(page), "confirm": "1"})


def nothing_happened(nd8: ND8) -> bool:
    """Neither here nor at ND8."""
    return not Refund.objects.exists() and not StaffAction.objects.exists() and nd8.calls(CREATE) == 0


# Who


def test_a_stranger_is_sent_to_the_login_and_a_shopper_refused(client: Client, payment: Payment, nd8: ND8) -> None:
    path = path_of(payment.session)
    assert client.get(path)["Location"] == f"/dashboard/login/?next={path}"
    assert client.post(path, {"confirm": "1"}).status_code == 302
    assert browser_of("shopper").post(path, {"confirm": "1"}).status_code == 403
    assert nothing_happened(nd8)


@pytest.mark.parametrize(
    ("permissions", "is_staff"),
    [
        ((), True),
        ((MAY_REFUND,), True),
        ((VIEW, "oscar_nd8.resolve_attention", "oscar_nd8.view_refund"), True),
        ((MAY_REFUND,), False),
        ((MAY_REFUND, VIEW, "partner.dashboard_access"), False),
    ],
)
def test_without_the_permission_nobody_refunds(
    payment: Payment, nd8: ND8, staff: Client, permissions: tuple[str, ...], is_staff: bool
) -> None:
    clerk = browser_of("clerk", *permissions, staff=is_staff)
    sent = hidden(review(staff, payment, how="everything"))
    assert clerk.get(path_of(payment.session)).status_code == 403
    assert clerk.post(path_of(payment.session), {**sent, "confirm": "1"}).status_code == 403
    assert nothing_happened(nd8)


def test_staff_without_the_permission_see_the_money_and_no_button(payment: Payment, staff: Client) -> None:
    request_refund(payment, amount=100, reason=REASON)
    for client, offered in ((browser_of("clerk", "order.view_order", VIEW, staff=True), False), (staff, True)):
        html = words(client.get(f"/dashboard/payments/{payment.session_id}/"))
        assert "On its way back" in html
        assert "$23.97" in html
        assert (path_of(payment.session) in html) is offered


def test_a_partners_staff_see_refunds_of_their_orders_only_and_cannot_refund() -> None:
    ours = make_partner("Ours")
    client = browser_of("partner", VIEW, "partner.dashboard_access", MAY_REFUND, partner=ours)
    mine = make_payment(make_session("100001", S.PLACED, partner=ours), "TX-1")
    other = make_payment(make_session("100002", S.PLACED, partner=make_partner("Theirs")), "TX-2")
    refunds = [
        Refund.objects.create(payment=each, reference=f"R{each.pk}", currency="USD", amount=1, status="completed")
        for each in (mine, other)
    ]
    assert [client.get(f"/dashboard/payments/refunds/{each.pk}/").status_code for each in refunds] == [200, 404]
    assert [client.get(f"/dashboard/payments/refunds/{each.pk}/state/").status_code for each in refunds] == [200, 404]
    assert "R" + str(mine.pk) in words(client.get("/dashboard/payments/refunds/"))
    assert "R" + str(other.pk) not in words(client.get("/dashboard/payments/refunds/"))
    assert "100002" not in b"".join(client.get("/dashboard/payments/refunds/export/").streaming_content).decode()  # type: ignore[attr-defined]
    assert client.get(path_of(mine.session)).status_code == client.post(path_of(mine.session)).status_code == 403


@pytest.mark.parametrize("pk", ["1", "99999999999999999999999"])
def test_what_does_not_exist_is_not_found(staff: Client, pk: str) -> None:
    assert staff.get(f"/dashboard/payments/{pk}/refund/").status_code == 404
    assert staff.post(f"/dashboard/payments/{pk}/refund/").status_code == 404
    assert staff.get(f"/dashboard/payments/refunds/{pk}/").status_code == 404
    assert staff.get(f"/dashboard/payments/refunds/{pk}/state/").status_code == 404


@pytest.mark.parametrize("forged", ["0", "-1", "x", "99999999999999999999999", "1 OR 1=1"])
def test_a_payment_that_is_not_this_sessions_is_not_found(
    staff: Client, payment: Payment, nd8: ND8, forged: str
) -> None:
    path = path_of(payment.session)
    assert staff.get(path, {"payment": forged}).status_code == 404
    sent = hidden(review(staff, payment, how="everything"))
    assert staff.post(path, {**sent, "confirm": "1", "payment": forged}).status_code == 404
    elsewhere = make_payment(make_session("100009", S.PLACED), "TX-9")
    assert staff.post(path, {**sent, "confirm": "1", "payment": elsewhere.pk}).status_code == 404
    assert nothing_happened(nd8)


# What is asked, and what it comes to


def test_the_form_proposes_lines_and_charges_with_what_is_left_of_each(staff: Client, payment: Payment) -> None:
    html = words(staff.get(path_of(payment.session)))
    for text in ("Enamel mug", "2 of 2: $19.98", "$4.99", "Everything that is left: $24.97 USD"):
        assert text in html
    assert "The customer sees it." in html
    assert 'data-left="2" data-worth="1998"' in html
    assert "Ada Byron (guest@example.com)" in html


@pytest.mark.parametrize(
    ("answers", "amount", "goods"),
    [
        ({"how": "everything"}, "$24.97", "2 × Enamel mug"),  # noqa: RUF001
        ({"pieces": "1"}, "$9.99", "1 × Enamel mug"),  # noqa: RUF001
        ({"pieces": "2", "charge-shipping": "on"}, "$24.97", "2 × Enamel mug"),  # noqa: RUF001
        ({"charge-shipping": "on"}, "$4.99", ""),
        ({"how": "amount", "other": "0.01"}, "$0.01", ""),
        ({"how": "amount", "other": "5", "pieces": "1"}, "$5.00", "1 × Enamel mug"),  # noqa: RUF001
    ],
)
def test_the_confirmation_says_how_much_goes_to_whom_and_what_for_and_nothing_happens_yet(
    staff: Client, payment: Payment, nd8: ND8, answers: dict[str, str], amount: str, goods: str
) -> None:
    html = words(review(staff, payment, **{key_of(payment): answers.get("pieces", "")}, **answers))
    assert f"Give {amount} USD back to Ada Byron (guest@example.com)?" in html
    assert REASON in html
    assert goods in html
    assert nothing_happened(nd8)


def test_the_refund_is_what_was_confirmed(staff: Client, payment: Payment, nd8: ND8) -> None:
    response = confirm(staff, payment, **{key_of(payment): "1", "charge-shipping": "on", "restock": "on"})

    refund = Refund.objects.get()
    assert response["Location"] == f"/dashboard/payments/refunds/{refund.pk}/"
    assert books(nd8) == [("14.98", "processing")]
    assert (refund.amount, refund.reason, refund.restock) == (1498, REASON, True)
    assert refund.asked_by == get_user_model().objects.get(email="stella@example.com")
    line = refundable_of(payment).lines[0]
    assert refund.parts == {"lines": {line.key: {"quantity": 1, "amount": 999}}, "charges": {"shipping": 499}}
    assert StaffAction.objects.get().user_name == "stella@example.com"


def test_the_button_change_leads_back_to_the_form_as_it_was(staff: Client, payment: Payment, nd8: ND8) -> None:
    sent = hidden(review(staff, payment, **{key_of(payment): "1"}))
    html = words(staff.post(path_of(payment.session), {**sent, "change": "1"}))
    assert f'name="{key_of(payment)}"' in html
    assert 'value="1" data-left="2"' in html
    assert REASON in html
    assert "Nothing was given back." not in html
    assert nothing_happened(nd8)


# What is refused, in words


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        ({}, "Please say how much to give back."),
        ({"how": ""}, "Please say how much to give back."),
        ({"how": "all"}, "Select a valid choice"),
        ({"pieces": "3"}, "Of this line 2 can still be given back."),
        ({"pieces": "-1"}, "Please write a number of pieces, or nothing."),
        ({"pieces": "1.5"}, "Please write a number of pieces, or nothing."),
        ({"pieces": "NaN"}, "Please write a number of pieces, or nothing."),
        ({"how": "amount"}, "Please write how much to give back."),
        ({"how": "amount", "other": "24.98"}, "Only 24.97 USD of this payment can still be given back."),
        ({"how": "amount", "other": "1e1"}, "Please write an amount in digits, with a point: 9.99"),
        ({"how": "amount", "other": "1_0"}, "Please write an amount in digits, with a point: 9.99"),
        ({"how": "amount", "other": "\u0661\u0660"}, "Please write an amount in digits, with a point: 9.99"),
        ({"pieces": "1_0"}, "Please write a number of pieces, or nothing."),
        ({"pieces": "\u0661"}, "Please write a number of pieces, or nothing."),
        ({"how": "amount", "other": "-1"}, "The amount to give back must be above zero."),
        ({"how": "amount", "other": "0"}, "The amount to give back must be above zero."),
        ({"how": "amount", "other": "0.001"}, "no more than 2 decimal places"),
        ({"how": "amount", "other": "NaN"}, "Please write an amount in digits, with a point: 9.99"),
        ({"how": "amount", "other": "Infinity"}, "Please write an amount in digits, with a point: 9.99"),
        ({"how": "amount", "other": "9,99"}, "Please write an amount in digits, with a point: 9.99"),
        ({"how": "amount", "other": "9" * 400}, "no more than 15 digits"),
        ({"how": "everything", "reason": " "}, "Please give a reason: the customer is shown it."),
        ({"how": "everything", "reason": "x" * 486}, "at most 485 characters"),
        ({"how": "everything", "reason": "a\x00b"}, "Null characters are not allowed."),
    ],
)
@pytest.mark.parametrize("button", ["review", "confirm"])
def test_what_cannot_be_given_back_is_refused_in_words(
    staff: Client, payment: Payment, nd8: ND8, answers: dict[str, str], sentence: str, button: str
) -> None:
    by_hand = {"form_key": str(uuid4()), "seen": "0", "confirmed": "2498", button: "1"}
    sent = {**by_hand, "how": "lines", "reason": REASON, **answers, key_of(payment): answers.get("pieces", "")}
    html = words(staff.post(path_of(payment.session), sent))
    assert "Nothing was given back." in html
    assert sentence in html
    assert nothing_happened(nd8)


@pytest.mark.parametrize(
    "forged",
    [
        {"confirmed": "1"},
        {"confirmed": "2498"},
        {"confirmed": "-2497"},
        {"confirmed": "NaN"},
        {"form_key": ""},
        {"form_key": "x"},
        {"seen": "x"},
    ],
)
def test_a_confirmation_of_something_else_gives_nothing_back_and_asks_again(
    staff: Client, payment: Payment, nd8: ND8, forged: dict[str, str]
) -> None:
    sent = hidden(review(staff, payment, how="everything"))
    html = words(staff.post(path_of(payment.session), {**sent, "confirm": "1", **forged}))
    assert "Give $24.97 USD back to" in html
    assert nothing_happened(nd8)


def test_fields_of_lines_that_are_not_there_count_for_nothing(staff: Client, payment: Payment, nd8: ND8) -> None:
    html = words(review(staff, payment, **{"line-99999": "1", "charge-gift": "on"}))
    assert "Please say how much to give back." in html
    assert nothing_happened(nd8)


# Twice


def test_a_double_click_is_one_refund(staff: Client, payment: Payment, nd8: ND8) -> None:
    sent = {**hidden(review(staff, payment, how="everything")), "confirm": "1"}
    first, second = [staff.post(path_of(payment.session), sent) for _click in range(2)]
    assert first["Location"] == second["Location"]
    assert books(nd8) == [("24.97", "processing")]


def test_who_did_not_see_a_colleagues_refund_is_told_of_it(staff: Client, payment: Payment, nd8: ND8) -> None:
    other = browser_of("otto", VIEW, MAY_REFUND, staff=True)
    pages = [(each, hidden(review(each, payment, how="amount", other="5.00"))) for each in (staff, other)]
    first, second = [each.post(path_of(payment.session), {**sent, "confirm": "1"}) for each, sent in pages]
    assert first.status_code == 302
    assert "Meanwhile a refund of 5.00 USD was asked for (stella@example.com)." in words(second)
    assert books(nd8) == [("5.00", "processing")]
    assert confirm(other, payment, how="amount", other="5.00").status_code == 302
    assert len(books(nd8)) == 2


def test_where_nothing_is_left_the_page_says_so_and_asks_nothing(staff: Client, payment: Payment, nd8: ND8) -> None:
    request_refund(payment, everything=True, reason=REASON)
    html = words(staff.get(path_of(payment.session)))
    assert "Nothing of this payment is left to be given back." in html
    assert "<textarea" not in html
    assert "Nothing is left to be refunded." in words(staff.get(f"/dashboard/payments/{payment.session_id}/"))
    assert "<textarea" not in words(review(staff, payment, how="everything"))
    assert nd8.calls(CREATE) == 1


# Odd payments


def test_of_two_payments_staff_say_which(staff: Client, payment: Payment, nd8: ND8) -> None:
    nd8.outcome(payment.session, new_transaction=True)
    nd8.deliver()
    surplus = Payment.objects.exclude(pk=payment.pk).get()
    html = words(staff.get(path_of(payment.session)))
    assert "Which payment goes back?" in html
    for each in (payment, surplus):
        assert f'href="?payment={each.pk}"' in html
    form = words(staff.get(path_of(payment.session), {"payment": surplus.pk}))
    assert surplus.transaction_id in words(review(staff, payment, how="everything", payment=surplus.pk))
    assert "Enamel mug" not in form

    confirm(staff, payment, how="everything", payment=surplus.pk)

    assert Refund.objects.get().payment == surplus
    assert "Enamel mug" in words(staff.get(path_of(payment.session))), "the other one is the only one left"


def test_a_held_payment_without_an_order_is_refunded_too(staff: Client, guest: Shopper, nd8: ND8, mug: Any) -> None:
    session = guest.begin_payment(mug, 2)
    nd8.outcome(session, net_amount="0.01")
    nd8.deliver()
    payment = Payment.objects.get()
    assert payment.session.status == S.HELD
    html = words(review(staff, payment, how="everything"))
    assert "Give $24.97 USD back to Ada Byron (guest@example.com)?" in html
    assert "(no order was placed)" in html

    confirm(staff, payment, how="everything")

    assert books(nd8) == [("24.97", "processing")]


def test_a_confirmation_from_before_a_colleague_placed_the_order_gives_nothing_back(
    staff: Client, guest: Shopper, nd8: ND8, mug: Any
) -> None:
    session = guest.begin_payment(mug, 2)
    nd8.outcome(session, net_amount="0.01")
    nd8.deliver()
    payment = Payment.objects.get()
    page = hidden(review(staff, payment, how="everything"))
    placed = place_anyway(Attention.objects.get(), by=make_user("otto@example.com"), seen=0)
    assert placed.status == S.PLACED

    answer = words(staff.post(path_of(session), {**page, "confirm": "1"}))

    assert f"Meanwhile order {placed.order_number} was placed (otto@example.com). Nothing was given back" in answer
    assert (books(nd8), Refund.objects.count(), nd8.calls(CREATE)) == ([], 0, 0)
    assert confirm(staff, payment, how="everything").status_code == 302
    assert books(nd8) == [("24.97", "processing")]


@pytest.mark.parametrize("status", [S.OPEN, S.FAILED, S.CANCELED, S.EXPIRED, S.NEW])
def test_what_was_not_paid_is_not_refunded(staff: Client, status: SessionStatus) -> None:
    session = make_session("100001", status)
    make_payment(session, state=PaymentState.FAILED)
    assert "ND8 holds no money of this payment" in words(staff.get(path_of(session)))
    assert "<textarea" not in words(staff.post(path_of(session), {"how": "everything", "reason": "x", "confirm": "1"}))


def test_a_payment_whose_order_is_due_waits_for_it(staff: Client) -> None:
    session = make_session("100001", S.PAID)
    make_payment(session)
    assert "just being placed" in words(staff.get(path_of(session)))


def test_an_agreement_of_another_version_is_not_refunded_here(staff: Client) -> None:
    session = make_session("100001", S.HELD, quote={"version": 7})
    make_payment(session)
    assert "could be given back here" in words(staff.get(path_of(session)))


def test_an_account_that_adds_tax_is_refunded_in_full_by_what_nd8_knows(
    staff: Client, payment: Payment, nd8: ND8, settings: Any
) -> None:
    settings.ND8 = {**settings.ND8, "PRICE_MODE": "HT"}
    html = words(staff.get(path_of(payment.session)))
    assert "ND8 does not tell what it charged" in html
    assert "at least $24.97 USD. ND8 adds the tax that it charged." in html
    assert "at least $24.97 USD, back to" in words(review(staff, payment, how="everything"))
    confirm(staff, payment, how="everything")
    assert books(nd8) == [("24.97", "processing")]


# What became of it


def shown(client: Client, refund: Refund) -> str:
    """The refund's page."""
    return words(client.get(f"/dashboard/payments/refunds/{refund.pk}/"))


def state(client: Client, refund: Refund, was: str) -> bool:
    """What a page that waits is told."""
    answer = client.get(f"/dashboard/payments/refunds/{refund.pk}/state/", {"was": was})
    return bool(answer.json()["settled"])


def test_a_refund_is_followed_until_its_end(staff: Client, payment: Payment, nd8: ND8) -> None:
    refund = request_refund(payment, amount=999, reason=REASON)
    html = shown(staff, refund)
    for text in ("On its way", "ND8 accepted the refund", "$9.99 USD", "Ada Byron (guest@example.com)", REASON):
        assert text in html
    assert '<meta http-equiv="refresh"' in html
    assert not state(staff, refund, "processing")

    end(nd8, refund.refund_id)

    html = shown(staff, refund)
    assert "the money went back to the customer" in html
    assert 'http-equiv="refresh"' not in html
    assert "nd8-watch" not in html
    assert state(staff, refund, "processing")


def test_nd8s_refusal_is_told_in_plain_words(staff: Client, payment: Payment, nd8: ND8) -> None:
    nd8.control("organization", wallet_balance="0.00")
    html = words(staff.get(confirm(staff, payment, how="everything")["Location"]))
    assert "nothing was refunded" in html
    assert "It says: The wallet balance is too low for this refund." in html
    assert 'http-equiv="refresh"' not in html
    assert f'href="{path_of(payment.session)}"' in html
    assert books(nd8) == []


def test_a_lost_answer_is_told_and_found_out(staff: Client, payment: Payment, nd8: ND8) -> None:
    nd8.fault(CREATE, "timeout_after")
    nd8.fault("listRefunds", "500", times=99)
    html = words(staff.get(confirm(staff, payment, how="everything")["Location"]))
    for text in ("The answer was lost", "We are finding out.", "Do not refund again.", "This page updates itself."):
        assert text in html
    assert f'href="{path_of(payment.session)}"' not in html
    assert "<textarea" not in words(staff.get(path_of(payment.session)))

    nd8.fault("listRefunds", "500", times=0)

    assert "ND8 accepted the refund" in shown(staff, Refund.objects.get())
    assert nd8.calls(CREATE) == 1


def test_an_old_refund_is_not_watched_for_ever(staff: Client, payment: Payment) -> None:
    refund = request_refund(payment, amount=999, reason=REASON)
    Refund.objects.update(created_at=payment.created_at.replace(year=2020))
    assert "nd8-watch" not in shown(staff, refund)
    assert "Look again now" in shown(staff, refund)


def test_a_refund_made_at_nd8_is_shown_as_such(staff: Client, payment: Payment, nd8: ND8) -> None:
    nd8.refund(payment.session, amount="5.00")
    nd8.deliver_new()
    html = shown(staff, Refund.objects.get())
    assert html.count("In ND8&#x27;s dashboard") + html.count("In ND8's dashboard") >= 1
    assert "Nobody here: it was started in ND8" in html
    html = words(staff.get(f"/dashboard/payments/{payment.session_id}/"))
    assert "A refund of 5.00 USD was made in ND8" in html
    assert "Refund of 5.00 USD: Refunded" in html


def test_no_page_costs_more_for_many_refunds(staff: Client, payment: Payment) -> None:
    def queries(path: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            words(staff.get(path))
        return len(captured)

    refund = request_refund(payment, amount=100, reason=REASON)
    Refund.objects.update(status="completed", due_at=None)
    pages = [path_of(payment.session), f"/dashboard/payments/refunds/{refund.pk}/"]
    few = [queries(path) for path in pages]
    for number in range(9):
        Refund.objects.create(
            payment=payment, reference=f"R{number}", currency="USD", amount=100, status="completed", parts=refund.parts
        )
    assert [queries(path) for path in pages] == few == [9, 9]
