"""Payment links: what a merchant makes of them, and what a customer meets."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from oscar_nd8.emulator import Emulator
from tests.emulator.conftest import TOKEN
from tests.emulator.merchant import BILLING, LINK, Merchant, Session

PRODUCTS = [
    {"product_id": "prod_mug", "name": "Enamel mug", "unit_price": "12.50", "quantity": 2},
    {"product_id": "prod_poster", "name": "Poster of a lighthouse", "unit_price": "24.00", "quantity": 1},
]
PRICE = "49.00"


def in_hours(hours: int) -> str:
    """A moment from now, as the API writes it."""
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


def paid(emulator: Emulator, session: Session, link: dict[str, Any], outcome: str = "paid") -> str:
    """A new checkout of the link, ended; the transaction's id."""
    started = session.start(link)
    assert started.status_code == 201, started.text
    call = emulator.control(f"checkouts/{started.json()['checkout_id']}/outcome", outcome=outcome)
    return str(call["transaction_id"])


def test_a_link_is_a_snapshot_of_products(session: Session) -> None:
    link = session.link(metadata={"campaign": "x", "share": 0.25, "tags": [1, None, True]})
    assert link == {
        "id": link["id"],
        "name": "Christmas market",
        "products": PRODUCTS,
        "currency": "USD",
        "pricing_mode": "TAX_INCLUSIVE",
        "amount": PRICE,
        "is_active": True,
        "expires_at": None,
        "max_uses": None,
        "uses": 0,
        "metadata": {"campaign": "x", "share": 0.25, "tags": [1, None, True]},
        "created_at": link["created_at"],
        "updated_at": link["created_at"],
    }
    stats = {"checkouts": 0, "payments": 0, "paid": 0, "total": "0.00", "net": "0.00"}
    assert session.answered("GET", f"payment-links/{link['id']}/") == link | {"stats": stats}


def test_links_are_listed_newest_first(session: Session) -> None:
    assert session.answered("GET", "payment-links/") == []
    first, second = session.link(name="first"), session.link(name="second")
    assert session.answered("GET", "payment-links/") == [second, first]


@pytest.mark.parametrize(
    ("fields", "detail"),
    [
        ({"name": None}, "name must be a string."),
        ({"name": " "}, "name may not be blank."),
        ({"products": []}, "products is required and may not be empty."),
        ({"products": ["prod_mug"]}, "Product 1: must be an object."),
        ({"products": [{"product_id": "prod_mug"}]}, "Product 1: quantity is required."),
        ({"products": [{"product_id": "prod_mug", "quantity": 0}]}, "Product 1: quantity must be 1 or more."),
        ({"products": [{"quantity": 1}]}, "Product 1: product_id is required."),
        (
            {"products": [{"product_id": "prod_moon", "quantity": 1}]},
            "Product 1: no product of the catalogue has this id.",
        ),
        ({"currency": "GBP"}, "currency must be one of EUR, USD."),
        ({"pricing_mode": "GROSS"}, "pricing_mode must be one of TAX_EXCLUSIVE, TAX_INCLUSIVE."),
        ({"expires_at": "tomorrow"}, "expires_at must be a date-time."),
        ({"max_uses": 0}, "max_uses must be 1 or more."),
        ({"max_uses": "1"}, "max_uses must be an integer."),
        ({"metadata": []}, "metadata must be an object."),
    ],
)
def test_what_is_refused(session: Session, fields: dict[str, Any], detail: str) -> None:
    answer = session.http.post("payment-links/", json={**LINK, **fields})
    assert (answer.status_code, answer.json()) == (400, {"detail": detail})
    assert session.answered("GET", "payment-links/") == []


def test_metadata_may_nest_deeply_but_not_without_end(session: Session) -> None:
    def answer(depth: int) -> int:
        deep = '{"a":' * depth + "1" + "}" * depth
        body = f'{{"name": "x", "products": [{{"product_id": "prod_mug", "quantity": 1}}], "metadata": {deep}}}'
        return session.http.post("payment-links/", content=body).status_code

    # The link itself, and the number in the middle, are levels too.
    assert [answer(98), answer(99), answer(970), answer(100_000)] == [201, 400, 400, 400]
    assert len(session.answered("GET", "payment-links/")) == 1


def test_five_things_of_a_link_can_be_changed_and_no_more(session: Session) -> None:
    link = session.link()
    changes = {
        "name": "New Year",
        "is_active": False,
        "expires_at": "2030-01-01T00:00:00.000000Z",
        "max_uses": 3,
        "metadata": {"a": 1},
    }
    ignored = {"currency": "EUR", "uses": 7, "products": [], "colour": "red"}
    changed = session.answered("PATCH", f"payment-links/{link['id']}/", **changes, **ignored)
    assert changed == link | changes | {"updated_at": changed["updated_at"]}
    cleared = session.answered("PATCH", f"payment-links/{link['id']}/", expires_at=None, max_uses=None, metadata=None)
    assert (cleared["expires_at"], cleared["max_uses"], cleared["metadata"]) == (None, None, None)
    assert cleared["name"] == "New Year"


@pytest.mark.parametrize("end", ["0001-01-01T00:00:00+23:00", "9999-12-31T23:59:59-23:00"])
def test_a_link_may_expire_at_either_end_of_the_calendar(session: Session, end: str) -> None:
    assert session.link(expires_at=end)["expires_at"] == f"{end[:19]}.000000Z"


@pytest.mark.parametrize("fields", [{"name": ""}, {"is_active": "no"}, {"expires_at": 5}, {"max_uses": -1}])
def test_a_link_cannot_be_changed_to_nonsense(session: Session, fields: dict[str, Any]) -> None:
    link = session.link()
    answer = session.http.patch(f"payment-links/{link['id']}/", json={"name": "Other", **fields})
    assert (answer.status_code, list(answer.json())) == (400, ["detail"])
    assert session.answered("GET", "payment-links/") == [link]


def test_the_public_sees_the_offer_and_not_the_merchants_notes(session: Session) -> None:
    link = session.link(metadata={"margin": "40 %"})
    answer = session.preview(link)
    assert answer.status_code == 200
    assert answer.json() == {
        "id": link["id"],
        "merchant_name": "Emulated merchant",
        "products": PRODUCTS,
        "currency": "USD",
        "pricing_mode": "TAX_INCLUSIVE",
        "amount": PRICE,
        "expires_at": None,
    }


def test_a_customer_pays_a_link_and_the_payment_counts_for_it(
    emulator: Emulator, merchant: Merchant, session: Session, shopper: httpx.Client
) -> None:
    link = session.link()
    started = session.start(link)
    assert started.status_code == 201
    checkout = started.json()
    assert checkout.keys() == merchant.checkout().keys()
    page = shopper.get(checkout["checkout_url"])
    assert f"Pay {PRICE} USD" in page.text
    assert session.answered("GET", "payment-links/")[0]["uses"] == 0
    assert shopper.post(checkout["checkout_url"], data={"choice": "pay"}).headers["Location"] == BILLING["successUrl"]
    (payment,) = session.answered("GET", f"payment-links/{link['id']}/payments/")
    assert payment == merchant.payment(payment["id"])
    assert payment["status"] == "paid"
    seen = session.answered("GET", f"payment-links/{link['id']}/")
    assert seen["uses"] == 1
    assert seen["stats"] == {"checkouts": 1, "payments": 1, "paid": 1, "total": PRICE, "net": "47.28"}
    assert [one["payment_link"] for one in emulator.state()["checkouts"]] == [link["id"], None]


def test_payments_of_a_link_are_its_own_newest_first(emulator: Emulator, merchant: Merchant, session: Session) -> None:
    link, other = session.link(), session.link()
    first = paid(emulator, session, link)
    declined = paid(emulator, session, link, "failed")
    elsewhere = paid(emulator, session, other)
    merchant.paid()
    listed = [one["id"] for one in session.answered("GET", f"payment-links/{link['id']}/payments/")]
    assert listed == [declined, first]
    assert [one["id"] for one in session.answered("GET", f"payment-links/{other['id']}/payments/")] == [elsewhere]


def test_a_link_without_tax_adds_it_on_the_page(session: Session, shopper: httpx.Client) -> None:
    link = session.link(pricing_mode="TAX_EXCLUSIVE", currency="EUR")
    page = shopper.get(session.start(link).json()["checkout_url"])
    assert "Pay 58.80 EUR" in page.text


def test_an_organization_with_net_prices_makes_net_links(emulator: Emulator, session: Session) -> None:
    emulator.control("organization", price_mode="HT")
    assert session.link()["pricing_mode"] == "TAX_EXCLUSIVE"


@pytest.mark.parametrize(
    ("fields", "detail"),
    [
        ({"billing_email": "nobody"}, "billing_email must be an e-mail address."),
        ({"billing_country": "US"}, "billing_postal_code is required when billing_country is US."),
        ({"currency": "EUR"}, "This payment link is paid in USD."),
        ({"currency": "GBP"}, "currency must be one of EUR, USD."),
        ({"successUrl": "shop"}, "successUrl must be an http or https URL."),
    ],
)
def test_what_a_customer_may_not_send(
    emulator: Emulator, session: Session, fields: dict[str, Any], detail: str
) -> None:
    answer = session.start(session.link(), **fields)
    assert (answer.status_code, answer.json()) == (400, {"detail": detail})
    assert emulator.state()["checkouts"] == []


def test_the_organizations_limits_hold_for_links(emulator: Emulator, session: Session) -> None:
    emulator.control("organization", max_payment="48.99")
    assert session.start(session.link()).json() == {"detail": "The payment must be at most 48.99 USD."}


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"is_active": False}, "This payment link is not active."),
        ({"expires_at": in_hours(-1)}, "This payment link has expired."),
    ],
)
def test_a_link_that_ended_is_gone(emulator: Emulator, session: Session, changes: dict[str, Any], detail: str) -> None:
    link = session.link(expires_at=in_hours(1))
    assert session.preview(link).status_code == 200
    session.answered("PATCH", f"payment-links/{link['id']}/", **changes)
    for answer in (session.preview(link), session.start(link)):
        assert (answer.status_code, answer.json()) == (410, {"detail": detail})
    assert session.start(link, billing_email="nobody").status_code == 400
    assert session.start(link, cancelUrl="shop").status_code == 400
    assert emulator.state()["checkouts"] == []
    session.answered("PATCH", f"payment-links/{link['id']}/", is_active=True, expires_at=None)
    assert session.start(link).status_code == 201


def test_a_link_is_used_up_by_payments_and_not_by_tries(
    emulator: Emulator, session: Session, shopper: httpx.Client
) -> None:
    link = session.link(max_uses=2)
    open_page = session.start(link).json()["checkout_url"]
    paid(emulator, session, link, "failed")
    paid(emulator, session, link, "canceled")
    paid(emulator, session, link)
    assert session.preview(link).status_code == 200
    paid(emulator, session, link)
    for answer in (session.preview(link), session.start(link)):
        assert (answer.status_code, answer.json()) == (410, {"detail": "This payment link has been used up."})
    # A page that was opened before cannot pay it once more.
    for page in (shopper.get(open_page), shopper.post(open_page, data={"choice": "pay"})):
        assert page.status_code == 410
        assert "Somebody else has paid this link" in page.text
    assert session.answered("GET", f"payment-links/{link['id']}/")["uses"] == 2


def test_a_refunded_payment_stays_a_use(emulator: Emulator, merchant: Merchant, session: Session) -> None:
    emulator.control("organization", auto_complete_refunds=True)
    link = session.link(max_uses=1)
    payment = paid(emulator, session, link)
    assert merchant.refund(payment).status_code == 200
    assert merchant.payment(payment)["status"] == "refunded"
    assert session.preview(link).status_code == 410


def test_a_deleted_link_is_gone_for_everybody_and_its_payments_stay(
    emulator: Emulator, merchant: Merchant, session: Session
) -> None:
    link = session.link()
    payment = paid(emulator, session, link)
    assert session.answered("DELETE", f"payment-links/{link['id']}/", 204) is None
    assert session.answered("GET", "payment-links/") == []
    for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("GET", "payments/")):
        answer = session.http.request(method, f"payment-links/{link['id']}/{path}")
        assert (answer.status_code, answer.json()) == (404, {"detail": "Payment link not found."})
    for answer in (session.preview(link), session.start(link)):
        assert (answer.status_code, answer.json()) == (410, {"detail": "This payment link is not active."})
    assert merchant.payment(payment)["status"] == "paid"
    (kept,) = emulator.state()["payment_links"]
    assert (kept["is_deleted"], kept["uses"]) == (True, 1)


@pytest.mark.parametrize("link_id", ["6f0a2f4e-5d7d-4b1c-8f5e-0d6b2d8f1a11", "not-a-uuid", "1"])
def test_an_unknown_link_is_not_found(session: Session, link_id: str) -> None:
    unknown = {"id": link_id}
    path = f"payment-links/{link_id}/"
    for answer in (session.preview(unknown), session.start(unknown), session.http.get(path), session.http.delete(path)):
        assert (answer.status_code, answer.json()) == (404, {"detail": "Payment link not found."})


def test_a_sandbox_link_is_unknown_to_production(emulator: Emulator, session: Session) -> None:
    link, http = session.link(), emulator.http
    assert http.get(f"{emulator.api_url}/payment-links/", headers=TOKEN).json() == []
    assert http.get(f"{emulator.api_url}/payment-links/{link['id']}/", headers=TOKEN).status_code == 404
    assert http.get(f"{emulator.api_url}/payment-links/public/{link['id']}/").status_code == 404
