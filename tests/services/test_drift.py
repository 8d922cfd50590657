"""Between the redirect to ND8 and the order anything in the shop may change or go: the order is what was agreed.

Each of these goes the whole road, from the basket to the webhook. Where an order cannot be written as agreed, the
payment is held with a reason that a person understands.
"""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any, cast

import pytest
from django.contrib.sites.models import Site
from django.core import mail
from django.db.models import F
from django.utils import timezone
from oscar.core.loading import get_model

from oscar_nd8.models import Attention, PaymentSession
from oscar_nd8.services.place_anyway import place_anyway
from oscar_nd8.shop.quote import Quote
from oscar_nd8.testing import ND8, Shopper, make_countries, make_user
from sandbox_site.forks.partner.strategy import PerCurrency, Selector
from sandbox_site.forks.shipping.repository import Repository, Standard
from tests.baskets import Deal, Goods, Recipe, Shop, Vat20, Vat725
from tests.regular import Regular

Rows = Callable[[], Any]

# 3 x 9.99 and 7 x 5.37, an offer of 7 %, a voucher of 3.00, 20 % of tax, and 4.99 for shipping.
GOODS = Recipe(
    (Goods("9.99", 3, "Enamel mug"), Goods("5.37", 7, "Tea towel")),
    (Deal("Percentage", "7"), Deal("Absolute", "3.00", code="THREE", usage="Single use")),
)


def rows(name: str) -> Any:
    """All rows of a model."""
    model: Any = get_model(*name.split("."))
    return model.objects.all()


@pytest.fixture
def tax(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    """Lets the shop charge another rate from now on."""

    def charge(kind: Any) -> None:
        monkeypatch.setattr(Selector, "strategy", lambda _selector, request=None, **_kwargs: kind(request))

    charge(Vat20)
    return charge


@pytest.fixture
def session(nd8: ND8, user: Any, tax: Callable[[Any], None]) -> PaymentSession:
    """Ada is on ND8's page, and has paid; the shop has not heard of it."""
    shop, shopper = Shop(GOODS), Regular(user=user)
    for product, goods in zip(shop.products, GOODS.goods, strict=True):
        shopper.add(product, goods.quantity)
    shopper.add_voucher(shop.vouchers[0].code)
    shopper.hurry_to_preview()
    assert shopper.pay_now().status_code == 302
    session = PaymentSession.objects.get()
    nd8.outcome(session)
    assert session.amount_major == Decimal("75.66")
    return session


def assert_as_agreed(session: PaymentSession, *, owner: Any) -> None:
    """The order is the quote, line by line, and its money is booked."""
    session.refresh_from_db()
    assert (session.status, session.status_reason) == ("placed", "")
    quote, order = Quote.model_validate(session.quote), cast("Any", session.order)
    agreed = [
        (each.title, each.partner_name, each.partner_sku, each.quantity, cents(each.unit.incl), cents(each.line.incl))
        for each in quote.lines
    ]
    assert [
        (
            *(each.title, each.partner_name, each.partner_sku, each.quantity),
            *(cents(each.unit_price_incl_tax), cents(each.line_price_incl_tax)),
        )
        for each in order.lines.order_by("pk")
    ] == agreed
    assert [title for title, *_rest in agreed] == ["Enamel mug", "Tea towel"]
    lines = order.lines.all()
    assert sum(each.line_price_incl_tax for each in lines) + order.shipping_incl_tax == order.total_incl_tax
    assert order.total_incl_tax == Decimal("75.66")
    assert order.total_tax == quote.total.incl - quote.total.excl > 0
    assert (order.shipping_code, order.shipping_method, order.shipping_incl_tax) == (
        *("standard", "Standard"),
        Decimal("4.99"),
    )
    discounts = sorted(order.discounts.values_list("offer_name", "voucher_code", "amount"))
    assert discounts == sorted((each.name, each.voucher_code or "", each.discount) for each in quote.applications)
    assert len(discounts) == 2
    assert order.sources.get().amount_debited == Decimal("75.66")
    assert (order.user, order.email) == (owner, "ada@example.com")
    assert order.shipping_address.line1 == "12 Analytical Road"
    assert [message.to for message in mail.outbox] == [["ada@example.com"]]
    assert order.number in mail.outbox[0].body


def cents(amount: Decimal) -> int:
    """Half a cent up."""
    return int(amount.scaleb(2).quantize(Decimal(1), "ROUND_HALF_UP"))


def used_up() -> None:
    """Another shopper was quicker with the voucher."""
    voucher = rows("voucher.Voucher").get()
    other = rows("order.Order").create(number="other", currency="USD", total_incl_tax="1", total_excl_tax="1")
    voucher.record_usage(other, make_user("quicker@example.com"))
    rows("voucher.Voucher").update(usage="Single use")


def hours_ago() -> Any:
    return timezone.now() - timedelta(hours=1)


CHANGES: dict[str, Rows] = {
    "the price went up": lambda: rows("partner.StockRecord").update(price=Decimal("777.77")),
    "the price went down": lambda: rows("partner.StockRecord").update(price=Decimal("0.01")),
    "the price was taken away": lambda: rows("partner.StockRecord").update(price=None),
    "the offer gives more": lambda: rows("offer.Benefit").update(value=Decimal(50)),
    "the offer asks for more": lambda: rows("offer.Condition").update(value=Decimal(99)),
    "the offer ended": lambda: rows("offer.ConditionalOffer").update(end_datetime=hours_ago()),
    "the offer was deleted": lambda: rows("offer.ConditionalOffer").delete(),
    "the voucher was used up by another order": used_up,
    "the voucher ended": lambda: rows("voucher.Voucher").update(end_datetime=hours_ago()),
    "the voucher has another code": lambda: rows("voucher.Voucher").update(code="FOUR", name="Four"),
    "the voucher was deleted": lambda: rows("voucher.Voucher").delete(),
    "the product was renamed": lambda: rows("catalogue.Product").update(title="Something else", upc=F("id")),
    "the product was unpublished": lambda: rows("catalogue.Product").update(is_public=False, is_discountable=False),
    "the product is not shipped any more": lambda: rows("catalogue.ProductClass").update(requires_shipping=False),
    "the product's stock is not tracked any more": lambda: rows("catalogue.ProductClass").update(track_stock=False),
    "the stock record is in another currency": lambda: rows("partner.StockRecord").update(price_currency="EUR"),
    "the stock record has another number": lambda: rows("partner.StockRecord").update(partner_sku=F("id")),
    "the stock record was deleted": lambda: rows("partner.StockRecord").delete(),
    "the partner was renamed": lambda: rows("partner.Partner").update(name="Somebody else"),
    "the partner was deleted": lambda: rows("partner.Partner").delete(),
    "the country was renamed": lambda: rows("address.Country").update(printable_name="Elsewhere", name="Elsewhere"),
    "nothing is shipped to the country any more": lambda: rows("address.Country").update(is_shipping_country=False),
    "the user has another name": lambda: rows("auth.User").update(first_name="Augusta", username="augusta"),
    "the user may not log in any more": lambda: rows("auth.User").update(is_active=False),
    "the site has another address": lambda: Site.objects.update(domain="elsewhere.example", name="Elsewhere"),
    "the basket was emptied": lambda: rows("basket.Line").filter(basket__status="Open").delete(),
    "the basket was deleted": lambda: rows("basket.Basket").filter(status="Open").delete(),
}


@pytest.mark.django_db
@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_the_order_is_what_was_agreed_although(change: Rows, session: PaymentSession, nd8: ND8, user: Any) -> None:
    change()

    assert nd8.deliver().status_code == 200

    assert_as_agreed(session, owner=user)


# Oscar's analytics swallows the IntegrityError of a product that is gone: in a test's transaction that ends it.
@pytest.mark.django_db(transaction=True)
def test_the_order_is_what_was_agreed_although_all_of_it_was_deleted(session: PaymentSession, nd8: ND8) -> None:
    for name in ("catalogue.Product", "partner.Partner", "offer.ConditionalOffer", "voucher.Voucher", "auth.User"):
        rows(name).delete()

    assert nd8.deliver().status_code == 200

    assert_as_agreed(session, owner=None)


class Dearer(Standard):
    """The same way under another name, at another price."""

    name = "Slow"
    charge_excl_tax = charge_incl_tax = Decimal("44.44")


@pytest.mark.django_db
@pytest.mark.parametrize("methods", [(Dearer(),), ()], ids=["changed", "deleted"])
def test_the_order_is_shipped_as_agreed_although_the_method_was(
    methods: tuple[Any, ...], session: PaymentSession, nd8: ND8, user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Repository, "methods", methods)
    assert nd8.deliver().status_code == 200
    assert_as_agreed(session, owner=user)


@pytest.mark.django_db
@pytest.mark.parametrize("kind", [Vat725, PerCurrency], ids=["changed", "abolished"])
def test_the_order_has_the_tax_that_was_agreed_although_it_was(
    kind: Any, session: PaymentSession, nd8: ND8, user: Any, tax: Callable[[Any], None]
) -> None:
    tax(kind)
    assert nd8.deliver().status_code == 200
    assert_as_agreed(session, owner=user)


@pytest.mark.django_db
def test_the_order_stands_for_a_user_who_has_another_address_by_now(
    session: PaymentSession, nd8: ND8, user: Any
) -> None:
    user.email = "countess@example.com"
    user.save()
    assert nd8.deliver().status_code == 200
    session.refresh_from_db()
    assert session.order is not None
    assert (session.order.user, session.order.total_incl_tax) == (user, session.amount_major)
    assert [message.to for message in mail.outbox] == [["countess@example.com"]]


@pytest.fixture
def in_german(nd8: ND8, mug: Any) -> PaymentSession:
    """Somebody paid who bought in German."""
    guest = Shopper()
    guest.client.post("/i18n/setlang/", {"language": "de"})
    session = guest.begin_payment(mug)
    assert session.language == "de"
    nd8.outcome(session)
    return session


@pytest.mark.django_db
@pytest.mark.parametrize("left", [("fr", "de"), ("fr",), ("en",)], ids=["no default", "deleted for French", "deleted"])
def test_the_order_stands_although_its_language_is(
    left: tuple[str, ...], in_german: PaymentSession, nd8: ND8, settings: Any
) -> None:
    settings.LANGUAGES = [(code, code) for code in left]
    settings.LANGUAGE_CODE = left[0]

    assert nd8.deliver().status_code == 200

    in_german.refresh_from_db()
    assert (in_german.status, in_german.attentions.count()) == ("placed", 0)
    assert in_german.order is not None
    assert in_german.order.total_incl_tax == in_german.amount_major
    assert [message.to for message in mail.outbox] == [["guest@example.com"]]


@pytest.mark.django_db
def test_an_order_for_a_country_that_was_deleted_is_held_until_the_country_is_back(
    session: PaymentSession, nd8: ND8, user: Any
) -> None:
    rows("address.Country").filter(pk="US").delete()

    assert nd8.deliver().status_code == 200

    session.refresh_from_db()
    assert (session.status, rows("order.Order").count(), mail.outbox) == ("held", 0, [])
    matter = Attention.objects.get()
    assert matter.detail == session.status_reason
    assert matter.detail == (
        "The payment arrived, but the order cannot be written: the country US of an address is no longer in the shop. "
        "Put it right and place it, or refund."
    )
    make_countries()
    assert place_anyway(matter, by=user, seen=0).status == "placed"
    assert_as_agreed(session, owner=user)


@pytest.mark.django_db
def test_sold_out_goods_are_sold_as_agreed_and_staff_are_told(session: PaymentSession, nd8: ND8, user: Any) -> None:
    rows("partner.StockRecord").update(num_in_stock=0)

    assert nd8.deliver().status_code == 200

    assert_as_agreed(session, owner=user)
    matter = Attention.objects.get()
    assert matter.kind == "oversold"
    assert all(title in matter.detail for title in ("Enamel mug", "Tea towel"))
