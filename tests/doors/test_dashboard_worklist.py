"""The worklist in Oscar's dashboard: who finds and decides which matters, what the pages say, and what they cost."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from oscar.core.loading import get_model

from oscar_nd8.models import Attention, StaffAction, WebhookEvent
from oscar_nd8.services.refund import request_refund
from oscar_nd8.shop.searching import NEWEST
from oscar_nd8.shop.worklist import EXPLANATIONS
from oscar_nd8.states import PaymentState, SessionStatus
from oscar_nd8.testing import ND8, Shopper
from tests.deciding import seen_on, told, undecided
from tests.staff import (
    NOON,
    SECRET_URL,
    VIEW,
    browser_of,
    make_many_like,
    make_matter,
    make_partner,
    make_payment,
    make_session,
)

pytestmark = pytest.mark.django_db

LIST = "/dashboard/payments/attention/"
S = SessionStatus
K = Attention.Kind
MAY_DECIDE = "oscar_nd8.resolve_attention"
Order = get_model("order", "Order")


@pytest.fixture
def staff() -> Client:
    """Staff who may decide."""
    return browser_of("stella", VIEW, MAY_DECIDE, staff=True)


@pytest.fixture
def held(guest: Shopper, nd8: ND8, mug: Any) -> Attention:
    """The matter of a payment with an absurd fee."""
    nd8.outcome(guest.begin_payment(mug), "paid", net_amount="0.01")
    nd8.deliver(guest.client)
    return Attention.objects.get()


def path_of(matter: Attention, decision: str = "") -> str:
    """Where a matter is shown or decided."""
    return f"{LIST}{matter.pk}/{decision and decision + '/'}"


def page(client: Client, path: str = LIST, **query: Any) -> str:
    """A page that opens, blanks squeezed."""
    response = client.get(path, query)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def kinds(client: Client, **query: Any) -> list[str]:
    """The matters in the list, from top to bottom."""
    return [matter.kind for matter in client.get(LIST, query).context["page_obj"]]


# Who sees


@pytest.mark.parametrize("decision", ["", "place", "dismiss"])
def test_a_stranger_is_sent_to_the_login_and_a_shopper_refused(client: Client, decision: str) -> None:
    matter = make_matter(make_session("100001", S.HELD))
    for path in (LIST, path_of(matter, decision)):
        assert client.get(path)["Location"] == f"/dashboard/login/?next={path}"
        assert browser_of(f"shopper{len(path)}").get(path).status_code == 403


def test_a_partners_staff_find_the_matters_of_their_orders_only() -> None:
    ours = make_partner("Ours")
    client = browser_of("partner", VIEW, "partner.dashboard_access", partner=ours)
    theirs = make_matter(make_session("100001", S.PLACED, partner=ours), K.OVERSOLD)
    others = [
        make_matter(make_session("100002", S.PLACED, partner=make_partner("Theirs")), K.OVERSOLD),
        make_matter(make_session("100003", S.HELD)),
        make_matter(None, K.UNKNOWN_CHECKOUT, subject="CO-9"),
    ]
    assert kinds(client) == ["oversold"]
    assert "1 matter waits for a person." in page(client)
    assert "100001" in page(client, path_of(theirs))
    assert [client.get(path_of(other)).status_code for other in others] == [404, 404, 404]


def test_a_matter_that_a_partner_may_not_see_hides_nothing_of_theirs() -> None:
    ours = make_partner("Ours")
    client = browser_of("partner", VIEW, "partner.dashboard_access", partner=ours)
    make_matter(make_session("1001", S.PLACED, partner=make_partner("Theirs")), K.HELD)
    make_matter(make_session("11001", S.PLACED, partner=ours), K.OVERSOLD)
    assert kinds(client, search="1001") == ["oversold"]


def test_an_old_payments_matter_is_found_by_a_part_of_its_number_whatever_was_sold_since(staff: Client) -> None:
    make_matter(make_session("ancient-1", S.HELD, created_at=NOON - timedelta(days=300)))
    make_many_like(make_session("newer"), NEWEST)
    assert kinds(staff, search="ncient") == ["held"]


@pytest.mark.parametrize("pk", ["1", "99999999999999999999999"])
@pytest.mark.parametrize("decision", ["", "place/", "dismiss/"])
def test_a_matter_that_does_not_exist_is_not_found(staff: Client, pk: str, decision: str) -> None:
    assert staff.get(f"{LIST}{pk}/{decision}").status_code == 404
    assert staff.post(f"{LIST}{pk}/{decision}").status_code in {404, 405}


# Who decides


@pytest.mark.parametrize("decision", ["place", "dismiss"])
@pytest.mark.parametrize(
    ("permissions", "is_staff"),
    [
        ((), True),
        ((MAY_DECIDE,), True),
        ((VIEW, "oscar_nd8.refund_payment"), True),
        ((MAY_DECIDE,), False),
        ((MAY_DECIDE, VIEW, "partner.dashboard_access"), False),
    ],
    ids=[
        "staff",
        "staff who see no payments",
        "staff with other permissions",
        "a customer with it",
        "a partner's staff with it",
    ],
)
def test_without_staff_status_and_the_permission_nobody_decides(
    held: Attention, decision: str, permissions: tuple[str, ...], is_staff: bool
) -> None:
    client = browser_of("clerk", *permissions, staff=is_staff)
    assert client.get(path_of(held, decision)).status_code == 403
    assert client.post(path_of(held, decision), {"seen": "0", "note": "x"}).status_code == 403
    assert client.post(f"/dashboard/payments/{held.session_id}/ask/").status_code == 403
    assert undecided(held)


def test_staff_who_may_not_decide_read_everything_and_find_no_button(held: Attention) -> None:
    clerk = browser_of("clerk", VIEW, staff=True)
    html = page(clerk, path_of(held))
    assert "fee far above the limit" in html
    assert "that needs the permission" in html
    for address in (path_of(held), f"/dashboard/payments/{held.session_id}/"):
        html = page(clerk, address)
        assert "/place/" not in html
        assert "/dismiss/" not in html
        assert "Ask ND8 again" not in html


def test_a_superuser_may_decide(held: Attention) -> None:
    boss = browser_of("boss", staff=True, superuser=True)
    assert "Place the order…" in page(boss, path_of(held))
    assert boss.get(path_of(held, "place")).status_code == 200


def test_a_decision_without_the_token_against_forgery_is_refused(held: Attention) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = browser_of("stella", VIEW, MAY_DECIDE, staff=True).cookies
    for path in (path_of(held, "place"), path_of(held, "dismiss"), f"/dashboard/payments/{held.session_id}/ask/"):
        assert strict.post(path, {"seen": "0", "note": "x"}).status_code == 403
    assert undecided(held)


def test_looking_changes_nothing(staff: Client, held: Attention) -> None:
    for path in (LIST, path_of(held), path_of(held, "place"), path_of(held, "dismiss")):
        assert staff.get(path, {"seen": "0", "note": "x"}).status_code == 200
        assert staff.head(path).status_code == 200
    assert staff.get(f"/dashboard/payments/{held.session_id}/ask/").status_code == 405
    assert undecided(held)


# Deciding


def test_placing_asks_first_and_then_places_and_says_so(staff: Client, held: Attention) -> None:
    path = path_of(held, "place")
    html = page(staff, path)
    for text in ("Place the order?", "guest@example.com", "$14.98 USD", "ND8 is asked first", "fee far above"):
        assert text in html
    response = staff.post(path, seen_on(staff, path), follow=True)
    order = Order.objects.get()
    assert response.redirect_chain == [(path_of(held), 302)]
    assert told(response) == f"Order {order.number} is placed, as the shopper agreed."
    html = " ".join(response.content.decode().split())
    for text in ("The order was placed", "charged once and has the order", "stella@example.com: Decided to place"):
        assert text in html
    assert "/place/" not in html


def test_a_double_click_places_one_order_and_says_who_was_first(
    staff: Client, held: Attention, mailoutbox: list[Any]
) -> None:
    path = path_of(held, "place")
    form = seen_on(staff, path)
    staff.post(path, form)
    response = staff.post(path, form, follow=True)
    assert "stella@example.com decided this already" in told(response)
    assert (Order.objects.count(), StaffAction.objects.count(), len(mailoutbox)) == (1, 1, 1)
    assert "There is no order to place here any more." in page(staff, path)


def test_what_still_cannot_be_placed_is_said_on_the_page(staff: Client, held: Attention) -> None:
    get_model("address", "Country").objects.filter(pk="US").delete()
    path = path_of(held, "place")
    response = staff.post(path, seen_on(staff, path), follow=True)
    assert "The order could not be placed, so the payment stays held." in told(response)
    assert "country US" in told(response)
    html = " ".join(response.content.decode().split())
    assert "Place the order…" in html
    assert Order.objects.count() == 0
    assert seen_on(staff, path) == {"seen": str(StaffAction.objects.get().pk)}


def test_money_that_is_gone_is_said_on_the_page(staff: Client, held: Attention, nd8: ND8) -> None:
    assert held.session
    nd8.outcome(held.session, "paid", status="refunded")
    path = path_of(held, "place")
    response = staff.post(path, seen_on(staff, path), follow=True)
    assert "it says: Refunded" in told(response)
    html = response.content.decode()
    assert "gets the money back" in html
    assert "The payment was refunded" in html
    assert "/place/" not in html
    assert not StaffAction.objects.exists()
    assert not Order.objects.exists()


def test_what_went_back_in_part_is_said_before_the_order_is_placed(staff: Client, held: Attention, nd8: ND8) -> None:
    assert held.session
    path = path_of(held, "place")
    assert "went back" not in page(staff, path)
    form = seen_on(staff, path)
    request_refund(held.session.payments.get(), amount=500, reason="Sorry")

    assert "Meanwhile a refund of 5.00 USD was asked for" in told(staff.post(path, form, follow=True))
    assert not Order.objects.exists()

    html = page(staff, path)
    assert "5.00 USD of this payment went back to the shopper, or is on its way. The order is placed in full." in html
    found = re.search(r'name="seen_refund" value="(\d+)"', html)
    assert found
    response = staff.post(path, {**form, "seen_refund": found[1]}, follow=True)
    assert told(response) == f"Order {Order.objects.get().number} is placed, as the shopper agreed."


def test_dismissing_needs_a_reason_and_keeps_it(staff: Client, held: Attention) -> None:
    path = path_of(held, "dismiss")
    response = staff.post(path, {**seen_on(staff, path), "note": "  "})
    assert "Please say why" in response.content.decode()
    assert 'aria-invalid="true"' in response.content.decode()
    assert undecided(held)

    form = {**seen_on(staff, path), "note": "Paid back by <b>hand</b>."}
    response = staff.post(path, form, follow=True)
    assert told(response) == "Dismissed. The money stays where it is."
    assert "Paid back by &lt;b&gt;hand&lt;/b&gt;." in response.content.decode()
    assert "decided this already" in told(staff.post(path, form, follow=True))
    assert StaffAction.objects.count() == 1
    assert "This matter is settled already: Dismissed" in page(staff, path)


def test_a_colleague_who_was_faster_is_named(staff: Client, held: Attention) -> None:
    path = path_of(held, "place")
    form = seen_on(staff, path)
    sven = browser_of("sven", VIEW, MAY_DECIDE, staff=True)
    sven.post(path_of(held, "dismiss"), {**form, "note": "Nothing to do."})
    assert "sven@example.com decided this already" in told(staff.post(path, form, follow=True))
    assert Order.objects.count() == 0


@pytest.mark.parametrize("seen", ["", "x", "-1", "99999999999999999999"])
@pytest.mark.parametrize("decision", ["place", "dismiss"])
def test_a_form_that_was_tampered_with_decides_nothing_that_was_decided(
    staff: Client, held: Attention, seen: str, decision: str
) -> None:
    first = browser_of("sven", VIEW, MAY_DECIDE, staff=True)
    first.post(path_of(held, "dismiss"), {"seen": "0", "note": "First."})
    response = staff.post(path_of(held, decision), {"seen": seen, "note": "Second."}, follow=True)
    assert response.status_code == 200
    assert (StaffAction.objects.count(), Order.objects.count()) == (1, 0)


def test_a_matter_that_is_not_about_an_order_cannot_be_placed(staff: Client) -> None:
    matter = make_matter(make_session("100001", S.PLACED), K.OVERSOLD)
    assert "There is no order to place here any more." in page(staff, path_of(matter, "place"))
    response = staff.post(path_of(matter, "place"), {"seen": "0"}, follow=True)
    assert "not about an order that waits" in told(response)
    assert StaffAction.objects.count() == 0


def test_a_matter_without_a_payment_of_ours_is_shown_and_dismissed(staff: Client) -> None:
    matter = make_matter(None, K.UNKNOWN_CHECKOUT, subject="CO-9")
    for path in (LIST, path_of(matter)):
        assert "CO-9" in page(staff, path)
    path = path_of(matter, "dismiss")
    staff.post(path, {**seen_on(staff, path), "note": "The other shop's."})
    assert "stella@example.com: Dismissed a matter" in page(staff, path_of(matter))


# Asking


def test_asking_says_what_came_of_it(staff: Client, held: Attention) -> None:
    response = staff.post(f"/dashboard/payments/{held.session_id}/ask/", follow=True)
    assert response.redirect_chain == [(f"/dashboard/payments/{held.session_id}/", 302)]
    assert told(response) == "ND8 was asked. This payment is now: Paid, held for a decision."
    assert "stella@example.com: Asked ND8 again" in response.content.decode()


def test_asking_in_vain_says_so(staff: Client, held: Attention, nd8: ND8) -> None:
    nd8.fault("getPaymentById", "500", times=20)
    response = staff.post(f"/dashboard/payments/{held.session_id}/ask/", follow=True)
    assert "ND8 could not be asked" in told(response)


# Processing again


def test_a_message_that_failed_is_processed_again_and_places_its_order(
    staff: Client, guest: Shopper, nd8: ND8, mug: Any
) -> None:
    session = guest.begin_payment(mug)
    nd8.outcome(session)
    nd8.fault("getPaymentById", "500", times=20)
    assert nd8.deliver(guest.client).status_code == 503
    event = WebhookEvent.objects.get()
    path = f"/dashboard/payments/events/{event.pk}/process/"
    assert f'action="{path}"' in page(staff, f"/dashboard/payments/{session.pk}/")
    assert "ND8 could not be asked" in told(staff.post(path, follow=True))
    assert Order.objects.count() == 0

    nd8.fault("getPaymentById", "500", times=0)
    response = staff.post(path, follow=True)

    assert response.redirect_chain == [(f"/dashboard/payments/{session.pk}/", 302)]
    assert told(response) == "ND8's message was processed again: Processed."
    assert "stella@example.com: Had notifications processed again" in response.content.decode()
    staff.post(path)
    assert Order.objects.count() == 1


def test_a_message_about_an_unknown_checkout_is_processed_again_from_its_matter(staff: Client, nd8: ND8) -> None:
    event = WebhookEvent.objects.create(delivery_id="D-1", name="transaction.status_changed", checkout_id="CO-9")
    matter = make_matter(None, K.UNKNOWN_CHECKOUT, subject="CO-9")
    path = f"/dashboard/payments/events/{event.pk}/process/"
    assert f'action="{path}"' in page(staff, path_of(matter))
    assert staff.post(path)["Location"] == path_of(matter)
    WebhookEvent.objects.update(checkout_id="CO-10")
    assert staff.post(path)["Location"] == LIST


def test_only_those_who_may_decide_have_messages_processed_again(staff: Client) -> None:
    session = make_session("100001", S.OPEN)
    event = WebhookEvent.objects.create(delivery_id="D-1", name="x", checkout_id=session.checkout_id)
    path = f"/dashboard/payments/events/{event.pk}/process/"
    clerk = browser_of("clerk", VIEW, staff=True)
    assert "/process/" not in page(clerk, f"/dashboard/payments/{session.pk}/")
    assert clerk.post(path).status_code == 403
    assert staff.get(path).status_code == 405
    assert staff.post("/dashboard/payments/events/99999/process/").status_code == 404
    assert not StaffAction.objects.exists()


# What


@pytest.mark.parametrize("kind", K)
def test_every_kind_says_what_it_means_for_the_money_and_what_to_do(staff: Client, kind: str) -> None:
    matter = make_matter(make_session("100001", S.HELD), kind)
    html = page(staff, path_of(matter))
    explanation = EXPLANATIONS[K(kind)]
    for text in (K(kind).label, explanation.money, explanation.advice, matter.detail, "Nobody has done anything"):
        assert str(text).replace("'", "&#x27;") in html


def test_a_held_payment_that_is_given_back_offers_no_false_hope(staff: Client) -> None:
    session = make_session("100001", S.HELD)
    make_payment(session, state=PaymentState.REFUND_PENDING)
    assert "gets the money back" in page(staff, path_of(make_matter(session)))


def test_a_payments_page_shows_its_matters_with_what_can_be_done(staff: Client, held: Attention) -> None:
    html = page(staff, f"/dashboard/payments/{held.session_id}/")
    alert = html[html.index('class="alert alert-danger') : html.index("Where it stands")]
    for decision in ("", "place", "dismiss"):
        assert f'href="{path_of(held, decision)}"' in alert


def test_the_order_page_leads_to_the_matter(staff: Client) -> None:
    matter = make_matter(make_session("100001", S.PLACED), K.OVERSOLD)
    boss = browser_of("boss", staff=True, superuser=True)
    assert f'href="{path_of(matter)}"' in page(boss, "/dashboard/orders/100001/")


def test_the_list_of_payments_counts_what_is_open(staff: Client) -> None:
    assert "needs attention" not in page(staff, "/dashboard/payments/")
    session = make_session("100001", S.PLACED)
    make_matter(session, K.OVERSOLD)
    make_matter(session, K.PAID_TWICE)
    make_matter(session, K.BOUGHT_TWICE, resolved_at=NOON, resolution="dismissed")
    html = page(staff, "/dashboard/payments/")
    assert "2 matters need attention" in html
    assert f'href="{LIST}"' in html


def test_nothing_secret_is_on_the_pages(staff: Client) -> None:
    session = make_session("100001", S.HELD)
    matter = make_matter(session)
    for path in (LIST, path_of(matter), path_of(matter, "place"), path_of(matter, "dismiss")):
        html = page(staff, path)
        assert SECRET_URL not in html
        assert str(session.token) not in html


# Looking for


def test_open_matters_stand_first_and_newest_first(staff: Client) -> None:
    session = make_session("100001", S.PLACED)
    settled = {"resolved_at": NOON, "resolution": "dismissed"}
    make_matter(session, K.PAID_TWICE, created_at=NOON + timedelta(days=5), **settled)
    make_matter(session, K.OVERSOLD, created_at=NOON)
    make_matter(session, K.BOUGHT_TWICE, **{**settled, "resolved_at": NOON + timedelta(days=1)})
    make_matter(session, K.MONEY_LOST, created_at=NOON + timedelta(days=1))
    assert kinds(staff) == ["money_lost", "oversold", "bought_twice", "paid_twice"]
    assert kinds(staff, state="open") == ["money_lost", "oversold"]
    assert kinds(staff, state="settled") == ["bought_twice", "paid_twice"]
    assert kinds(staff, kind="oversold") == ["oversold"]
    assert kinds(staff, kind="oversold", state="settled") == []
    assert kinds(staff, date_from="2026-03-15") == ["money_lost", "paid_twice"]
    assert kinds(staff, date_to="2026-03-14") == ["oversold", "bought_twice"]


@pytest.mark.parametrize("text", ["100002", "BEA@", "TX-BEA", "CO-100002", "RF-7"])
def test_a_matter_is_found_by_all_that_it_is_about(staff: Client, text: str) -> None:
    make_matter(make_session("100001", S.HELD))
    make_matter(None, K.UNKNOWN_CHECKOUT, subject="CO-9")
    session = make_session("100002", S.PLACED, email="bea@example.com")
    make_payment(session, "TX-BEA-1")
    make_payment(session, "TX-BEA-2")
    make_matter(session, K.REFUND_FAILED, subject="RF-7")
    assert kinds(staff, search=text) == ["refund_failed"]


def test_the_kinds_of_empty_say_which_they_are(staff: Client) -> None:
    assert "Nothing waits for a person." in page(staff)
    assert "Payments settle by themselves." in page(staff)
    assert "Nothing matches" in page(staff, search="nobody")
    html = page(staff, kind="odd", date_from="yesterday")
    assert "Please correct it below." in html
    assert "Nothing matches" not in html


# Cost, and the pages themselves


def test_the_number_of_queries_does_not_grow_with_the_rows(staff: Client) -> None:
    def queries(path: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            page(staff, path)
        return len(captured)

    def add(number: int) -> Attention:
        session = make_session(str(number), S.PLACED)
        make_payment(session, f"TX-{number}")
        return make_matter(session, K.OVERSOLD)

    matter = add(100001)
    list_few, page_few = queries(LIST), queries(path_of(matter))
    for number in range(100002, 100020):
        add(number)
    for n in range(5):
        assert matter.session
        make_payment(matter.session, f"TX-more-{n}")
        StaffAction.objects.create(session=matter.session, attention=matter, verb=StaffAction.Verb.ASK)
    # Oscar: the browser's session, user and unread notifications; permissions of the user and of their groups.
    # Ours: how many, which, how many are open; on a page the matter, its payments, all its matters, what staff did.
    assert queries(LIST) == list_few == 8
    assert queries(path_of(matter)) == page_few == 9


def test_the_pages_can_be_read_aloud_and_run_nothing_inline(staff: Client) -> None:
    matter = make_matter(make_session("100001", S.HELD))
    html = page(staff)
    table = html[html.index("<table") : html.index("</table>")]
    assert table.count("<th") == table.count('scope="col"') + table.count('scope="row"') + table.count("<thead")
    for field in ("search", "kind", "state", "date_from", "date_to"):
        assert f'<label for="id_{field}"' in html
        assert f'id="id_{field}"' in html
    html = page(staff, path_of(matter, "dismiss"))
    assert '<label for="id_note"' in html
    assert 'aria-describedby="id_note_helptext"' in html
    for path in (LIST, path_of(matter), path_of(matter, "place"), path_of(matter, "dismiss")):
        assert page(staff, path).count("<h1>") == 1
