"""The pages of a payment link: what anybody on the internet may see and do there, and what not."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from oscar_nd8.models import Payment, PaymentLink, PaymentSession
from oscar_nd8.testing import ND8, Shopper
from tests.linking import make_link, merchant

pytestmark = pytest.mark.django_db(transaction=True)

WHO = {
    "first_name": "Ada",
    "last_name": "Byron",
    "email": "ada@example.com",
    "country": "DE",
    "postcode": "10115",
}


@pytest.fixture(autouse=True)
def nothing_cached() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def link(nd8: ND8, countries: None) -> PaymentLink:
    """Two mugs for 25.00 USD."""
    return make_link()


def path(link: PaymentLink | UUID | str, page: str = "") -> str:
    return f"/nd8/link/{link.link_id if isinstance(link, PaymentLink) else link}/{page}"


def send(link: PaymentLink, client: Client | None = None, **answers: Any) -> Any:
    data = {**WHO, "key": str(uuid4()), **answers}
    return (client or Client()).post(path(link, "pay/"), data)


def result(session: PaymentSession, outcome: str = "success", client: Client | None = None) -> Any:
    return (client or Client()).get(f"/nd8/link/result/{session.token}/{outcome}/")


def text_of(response: Any) -> str:
    return " ".join(response.content.decode().split())


def test_anybody_sees_what_a_link_sells_and_gets_no_cookie(link: PaymentLink) -> None:
    response = Client().get(path(link))
    html = text_of(response)
    assert "2 \N{MULTIPLICATION SIGN} Enamel mug" in html
    assert "$25.00" in html
    assert path(link, "pay/") in html
    assert "Christmas market" not in html
    assert not response.cookies
    assert response["Cache-Control"] == "public, max-age=60"


def test_a_customer_buys_by_link(link: PaymentLink, nd8: ND8) -> None:
    browser = Client()
    form = browser.get(path(link, "pay/"))
    key = form.context["form"]["key"].value()
    response = browser.post(path(link, "pay/"), {**WHO, "key": key})

    session = PaymentSession.objects.get()
    assert (response.status_code, response["Location"]) == (302, session.checkout_url)
    asked = nd8.checkouts[0]["request"]
    assert asked["billing_email"] == "ada@example.com"
    assert asked["successUrl"] == f"http://testserver/nd8/link/result/{session.token}/success/"

    assert "We are confirming your payment" in text_of(result(session))
    nd8.outcome(session)
    nd8.deliver(browser)
    assert "Thank you, you have paid" in text_of(result(session))
    assert browser.get(f"/nd8/link/result/{session.token}/state/").json() == {"settled": True}


def test_a_customer_whose_notification_is_slower_sees_the_truth_when_it_is_here(link: PaymentLink, nd8: ND8) -> None:
    send(link)
    session = PaymentSession.objects.get()
    assert Client().get(f"/nd8/link/result/{session.token}/state/").json() == {"settled": False}
    assert "You have not paid yet" in text_of(result(session, "canceled"))
    nd8.outcome(session)
    nd8.deliver()
    for outcome in ("canceled", "failed", "success"):
        assert "Thank you, you have paid" in text_of(result(session, outcome))


@pytest.mark.parametrize(
    ("outcome", "words"), [("failed", "The payment did not go through"), ("canceled", "You have not paid yet")]
)
def test_an_unpaid_end_offers_to_try_again(link: PaymentLink, nd8: ND8, outcome: str, words: str) -> None:
    send(link)
    session = PaymentSession.objects.get()
    nd8.outcome(session, outcome)
    nd8.deliver()
    html = text_of(result(session))
    assert words in html
    assert "have not been charged" in html or "have not been charged" in html.lower()
    assert path(link, "pay/") in html


def test_a_forged_return_says_nothing_was_paid_and_changes_nothing(link: PaymentLink, nd8: ND8) -> None:
    send(link)
    session = PaymentSession.objects.get()
    response = Client().get(f"/nd8/link/result/{session.token}/success/?transaction_id=TX1&status=paid")
    assert "We are confirming your payment" in text_of(response)
    session.refresh_from_db()
    assert session.status == "open"
    assert nd8.calls("getPaymentById") == 0


def test_a_result_that_anybody_can_reload_asks_nd8_few_questions(link: PaymentLink, nd8: ND8) -> None:
    send(link)
    session = PaymentSession.objects.get()
    for _ in range(5):
        nd8.outcome(session, "processing", new_transaction=True)
    nd8.deliver_new()
    assert Payment.objects.count() == 5
    Payment.objects.update(asked_at=timezone.now() - timedelta(minutes=1))
    asked = nd8.calls("getPaymentById")
    assert "We are confirming your payment" in text_of(result(session))
    assert nd8.calls("getPaymentById") == asked + 3


def test_no_page_shows_a_person_to_whoever_has_its_address(link: PaymentLink, nd8: ND8) -> None:
    send(link)
    session = PaymentSession.objects.get()
    pages = [text_of(Client().get(path(link))), text_of(Client().get(path(link, "pay/")))]
    pages += [text_of(result(session, outcome)) for outcome in ("success", "failed", "canceled")]
    nd8.outcome(session)
    nd8.deliver()
    pages.append(text_of(result(session)))
    for html in pages:
        assert not [each for each in ("ada@example.com", "Byron", "10115", session.checkout_url) if each in html]


def test_a_foreign_token_is_not_found(link: PaymentLink, nd8: ND8, customer: Shopper, mug: Any) -> None:
    basket = customer.begin_payment(mug)
    assert result(basket).status_code == 404
    assert Client().get(f"/nd8/link/result/{basket.token}/state/").status_code == 404
    assert Client().get(f"/nd8/link/result/{uuid4()}/success/").status_code == 404
    assert Client().get(f"/nd8/link/result/{uuid4()}/stolen/").status_code == 404
    assert nd8.calls("getPaymentById") == 0


@pytest.mark.parametrize("page", ["", "pay/"])
def test_a_link_of_somebody_else_is_not_found_and_not_asked_about(nd8: ND8, countries: None, page: str) -> None:
    fields = {"name": "Unknown", "products": [{"product_id": "prod_mug", "quantity": 1}], "currency": "USD"}
    elsewhere = merchant("POST", "payment-links/", **fields)
    response = Client().get(path(elsewhere["id"], page))
    assert response.status_code == 404
    assert "We cannot find this page" in text_of(response)
    assert nd8.calls("getPublicPaymentLink") == 0
    assert Client().post(path(elsewhere["id"], "pay/"), WHO).status_code == 404
    assert nd8.calls("startPaymentLinkCheckout") == 0


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"is_active": False}, "No longer on offer"),
        ({"expires_at": datetime(2020, 1, 1, tzinfo=UTC)}, "This offer is over"),
        ({"max_uses": 1, "uses": 1}, "Sold out"),
        ({"deleted_at": datetime(2020, 1, 1, tzinfo=UTC)}, "No longer on offer"),
    ],
)
def test_a_closed_link_says_why_in_kind_words(link: PaymentLink, nd8: ND8, facts: dict[str, Any], words: str) -> None:
    PaymentLink.objects.update(**facts)
    for response in (Client().get(path(link)), Client().get(path(link, "pay/")), send(link)):
        assert response.status_code == 410
        assert words in text_of(response)
    assert nd8.calls("startPaymentLinkCheckout") == 0


@pytest.mark.parametrize("known", [True, False])
def test_what_is_over_or_unknown_may_be_kept_for_a_minute_like_what_is_on_offer(link: PaymentLink, known: bool) -> None:
    """One clear word for page caches: a link that is switched on again is back within a minute."""
    PaymentLink.objects.update(is_active=False)
    which = link if known else uuid4()

    shown = Client().get(path(which))
    assert shown.status_code == (410 if known else 404)
    assert shown["Cache-Control"] == "public, max-age=60"
    assert not shown.cookies

    # Where somebody's details could be typed, nothing is kept.
    for response in (Client().get(path(which, "pay/")), Client().post(path(which, "pay/"), WHO)):
        assert response.status_code == shown.status_code
        assert response["Cache-Control"] == "max-age=0, no-cache, no-store, must-revalidate, private"


def test_a_link_that_closed_at_nd8_while_the_form_was_open_is_told_so(link: PaymentLink) -> None:
    merchant("PATCH", f"payment-links/{link.link_id}/", is_active=False)
    response = send(link)
    assert response.status_code == 410
    assert "No longer on offer" in text_of(response)
    assert Client().get(path(link)).status_code == 410


def test_many_visitors_make_one_question_a_minute(link: PaymentLink, nd8: ND8) -> None:
    PaymentLink.objects.update(asked_at=timezone.now() - timedelta(hours=1))
    for _visit in range(5):
        assert Client().get(path(link)).status_code == 200
    assert nd8.calls("getPublicPaymentLink") == 1


def test_while_nd8_is_down_a_link_is_shown_and_the_form_is_kept(link: PaymentLink, nd8: ND8) -> None:
    PaymentLink.objects.update(asked_at=timezone.now() - timedelta(hours=1))
    nd8.control("faults", operation="getPublicPaymentLink", kind="500", times=50)
    nd8.control("faults", operation="startPaymentLinkCheckout", kind="500", times=1)
    assert "$25.00" in text_of(Client().get(path(link)))
    response = send(link)
    html = text_of(response)
    assert response.status_code == 503
    assert "You have not been charged" in html
    assert 'value="ada@example.com"' in html


@pytest.mark.parametrize(
    ("answers", "field", "words"),
    [
        ({"email": "nobody"}, "email", "valid email"),
        ({"email": f"{'a' * 300}@example.com"}, "email", "at most"),
        ({"first_name": ""}, "first_name", "required"),
        ({"first_name": "..."}, "first_name", "cannot be a name"),
        ({"last_name": "x" * 101}, "last_name", "at most 100"),
        ({"last_name": "By\x00ron"}, "last_name", "Null characters"),
        ({"country": ""}, "country", "required"),
        ({"country": "XX"}, "country", "choose a country of the list"),
        ({"country": "US", "postcode": ""}, "postcode", "need a postal code"),
        ({"postcode": "<script>"}, "postcode", "cannot be a postal code"),
        ({"key": "nonsense"}, "key", "load the page again"),
        ({"key": ""}, "key", "required"),
    ],
)
def test_what_cannot_be_right_is_refused_in_words_and_nothing_is_sent(
    link: PaymentLink, nd8: ND8, answers: dict[str, str], field: str, words: str
) -> None:
    response = send(link, None, **answers)
    assert response.status_code == 200
    assert words in str(response.context["form"].errors[field])
    assert "correct what is marked" in text_of(response)
    assert nd8.calls("startPaymentLinkCheckout") == 0
    assert not PaymentSession.objects.exists()


def test_a_name_keeps_its_letters_and_loses_line_breaks(link: PaymentLink, nd8: ND8) -> None:
    send(link, first_name=" Zoë \t O'Brien", last_name="Łukasz-Nguyễn")
    asked = nd8.checkouts[0]["request"]
    assert (asked["billing_first_name"], asked["billing_last_name"]) == ("Zoë O'Brien", "Łukasz-Nguyễn")


def test_a_request_forged_on_another_site_is_refused(link: PaymentLink, nd8: ND8) -> None:
    assert send(link, Client(enforce_csrf_checks=True)).status_code == 403
    assert nd8.calls("startPaymentLinkCheckout") == 0


def test_nobody_is_sent_anywhere_but_to_the_payment_page(link: PaymentLink, settings: Any) -> None:
    evil = "https://evil.example/"
    browser = Client()
    response = browser.post(
        f"{path(link, 'pay/')}?next={evil}&successUrl={evil}", {**WHO, "key": uuid4(), "next": evil}
    )
    assert response["Location"] == PaymentSession.objects.get().checkout_url
    settings.ND8 = {**settings.ND8, "CHECKOUT_HOSTS": ["pay.example.com"]}
    response = send(link, browser)
    assert response.status_code == 503
    assert "Location" not in response


def test_a_double_click_begins_one_payment(link: PaymentLink, nd8: ND8) -> None:
    key = str(uuid4())
    first, second = send(link, key=key), send(link, key=key)
    assert first["Location"] == second["Location"]
    assert nd8.calls("startPaymentLinkCheckout") == 1


def test_sending_a_paid_form_again_shows_what_became_of_it(link: PaymentLink, nd8: ND8) -> None:
    key = str(uuid4())
    send(link, key=key)
    session = PaymentSession.objects.get()
    nd8.outcome(session)
    nd8.deliver()
    assert send(link, key=key)["Location"] == f"/nd8/link/result/{session.token}/success/"
    assert PaymentSession.objects.count() == 1


def test_one_address_cannot_begin_payments_without_end(link: PaymentLink, nd8: ND8, settings: Any) -> None:
    settings.ND8 = {**settings.ND8, "LINK_STARTS": 2}
    assert [send(link).status_code for _time in range(2)] == [302, 302]
    response = send(link)
    assert (response.status_code, response["Retry-After"]) == (429, "600")
    assert "wait ten minutes" in text_of(response)
    assert 'value="ada@example.com"' in text_of(response)
    assert nd8.calls("startPaymentLinkCheckout") == 2
    assert send(link, Client(REMOTE_ADDR="203.0.113.9")).status_code == 302
    assert send(make_link(), Client()).status_code == 302


def test_behind_a_proxy_its_header_counts_and_what_the_client_wrote_does_not(link: PaymentLink, settings: Any) -> None:
    settings.ND8 = {**settings.ND8, "LINK_STARTS": 1, "CLIENT_ADDRESS_HEADER": "X-Forwarded-For"}

    def begin(told: str) -> int:
        return int(send(link, Client(headers={"x-forwarded-for": told})).status_code)

    assert [begin("203.0.113.1"), begin("198.51.100.7, 203.0.113.1"), begin("203.0.113.2")] == [302, 429, 302]

    settings.ND8 = {**settings.ND8, "CLIENT_ADDRESS_HEADER": ""}
    assert [begin("1.1.1.1"), begin("2.2.2.2")] == [302, 429]


@pytest.mark.parametrize(
    "addresses",
    [
        [f"2001:db8:1:2::{number:x}" for number in range(1, 5)],
        ["2001:db8:1:2::1", "[2001:db8:1:2::2]:443", "[2001:db8:1:2:3::]", "2001:DB8:1:2:0:0:0:4"],
        [f"203.0.113.8:{port}" for port in range(1000, 1004)],
        ["203.0.113.8", "::ffff:203.0.113.8", "[::ffff:203.0.113.8]:80", " 203.0.113.8 "],
        ["", "unknown", "_hidden", "203.0.113.8:http"],
    ],
    ids=["one IPv6 network", "IPv6 in other words", "ports", "IPv4 in other words", "no address at all"],
)
def test_one_customer_is_counted_as_one_however_their_address_is_written(
    link: PaymentLink, settings: Any, addresses: list[str]
) -> None:
    settings.ND8 = {**settings.ND8, "LINK_STARTS": 2, "CLIENT_ADDRESS_HEADER": "X-Forwarded-For"}

    def begin(told: str) -> int:
        return int(send(link, Client(headers={"x-forwarded-for": told})).status_code)

    assert [begin(address) for address in addresses] == [302, 302, 429, 429]
    assert [begin(other) for other in ("2001:db8:1:3::1", "203.0.113.9:1000")] == [302, 302]


def test_what_the_payment_service_refuses_is_the_customers_to_put_right(link: PaymentLink, nd8: ND8) -> None:
    response = send(link, email='"ada"@example.com')
    assert response.status_code == 422
    assert "did not accept these details" in text_of(response)
    assert 'name="first_name" value="Ada"' in text_of(response)
    assert nd8.calls("startPaymentLinkCheckout") == 1


def test_the_limit_can_be_switched_off(link: PaymentLink, settings: Any) -> None:
    settings.ND8 = {**settings.ND8, "LINK_STARTS": 0}
    assert {send(link).status_code for _time in range(25)} == {302}


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_other_methods_are_refused(link: PaymentLink, method: str) -> None:
    for page in ("", "pay/"):
        assert getattr(Client(), method)(path(link, page)).status_code == 405


def test_a_page_needs_few_queries(link: PaymentLink) -> None:
    Client().get(path(link))
    with CaptureQueriesContext(
        connection,
    ) as queries:
        Client().get(path(link))
    assert len(queries) <= 2, [each["sql"] for each in queries.captured_queries]


def test_a_product_s_name_cannot_write_html(link: PaymentLink) -> None:
    PaymentLink.objects.update(
        lines=[{"product_id": "x", "name": "<script>alert(1)</script>", "quantity": 1, "unit_amount": 100}]
    )
    for page in ("", "pay/"):
        html = text_of(Client().get(path(link, page)))
        assert "<script>alert" not in html
        assert "&lt;script&gt;" in html
