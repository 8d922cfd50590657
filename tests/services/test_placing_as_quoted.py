"""An order is written as quoted: as Oscar itself would have written it at that moment, whatever changed since."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from oscar.apps.order.utils import OrderCreator
from oscar.apps.shipping.repository import Repository
from oscar.core.loading import get_model
from oscar.core.prices import Price

from oscar_nd8.exceptions import QuoteUnplaceable
from oscar_nd8.shop.frozen_copy import copy_frozen
from oscar_nd8.shop.orders import AlreadyClaimed, next_order_number, oversold_products, place
from oscar_nd8.shop.quote import Quote
from oscar_nd8.testing import make_user
from tests.baskets import Deal, Goods, Recipe, Shop, opened, quoted, recipes

NOT_AN_EXAMPLES = [HealthCheck.function_scoped_fixture]

# 3 x 9.99 and 7 x 5.37, less 7 % and less a voucher of 3.00, and 4.99 for shipping: 64.82.
AGREED = Recipe(
    (Goods("9.99", 3, "A", engraving="Ada"), Goods("5.37", 7, "B")),
    (Deal("Percentage", "7"), Deal("Absolute", "3.00", code="THREE", usage="Single use")),
    surcharges=(("%", "0"),),
    billed_elsewhere=True,
)

Rows = dict[str, Any]


def rows(order: Any) -> Rows:
    """Everything Oscar wrote about money, goods and addresses; not the links to what may be deleted."""
    line_fields = (
        *("title", "upc", "partner_name", "partner_sku", "quantity", "num_allocated", "status", "tax_code"),
        *("unit_price_excl_tax", "unit_price_incl_tax", "line_price_excl_tax", "line_price_incl_tax"),
        *("line_price_before_discounts_excl_tax", "line_price_before_discounts_incl_tax"),
    )
    discount_fields = (
        *("category", "offer_id", "offer_name", "voucher_id", "voucher_code"),
        *("frequency", "amount", "message"),
    )
    address_fields = ("first_name", "last_name", "line1", "line4", "postcode", "country_id")
    order_fields = (
        *("currency", "status", "total_excl_tax", "total_incl_tax", "guest_email", "site_id", "user_id"),
        *("shipping_excl_tax", "shipping_incl_tax", "shipping_tax_code", "shipping_method", "shipping_code"),
    )
    lines = order.lines.order_by("pk")
    return {
        "order": {name: getattr(order, name) for name in order_fields},
        "lines": list(lines.values(*line_fields)),
        "prices": [
            list(line.prices.order_by("pk").values("quantity", "price_excl_tax", "price_incl_tax", "tax_code"))
            for line in lines
        ],
        "line discounts": [
            list(line.discounts.order_by("pk").values("order_discount__offer_id", "is_incl_tax", "amount"))
            for line in lines
        ],
        "attributes": [list(line.attributes.order_by("pk").values("type", "value")) for line in lines],
        "discounts": list(order.discounts.order_by("pk").values(*discount_fields)),
        "surcharges": list(order.surcharges.order_by("pk").values("name", "code", "excl_tax", "incl_tax", "tax_code")),
        "addresses": [
            address and {name: getattr(address, name) for name in address_fields}
            for address in (order.shipping_address, order.billing_address)
        ],
    }


class Agreement:
    """A quote with its frozen copy, and the order that Oscar writes for its twin now, before anything changes."""

    def __init__(self, shop: Shop, *, twin: bool = True) -> None:
        self.shop, basket_id = shop, shop.fill()
        submission = shop.submission(basket_id)
        twin_submission = shop.submission(shop.fill()) if twin else None
        self.quote = Quote.model_validate(quoted(submission).model_dump(mode="json"))
        self.copy = copy_frozen(self.quote, source_id=basket_id)
        self.recorded: list[Any] = []
        self.claims = 0
        self.rows = rows(self._by_oscar(twin_submission)) if twin_submission else {}

    def place(self, *, claim: bool = True) -> Any:
        """The order, as any settling places it."""

        def claiming() -> bool:
            self.claims += 1
            return claim

        return place(
            self.quote,
            basket_id=self.copy.pk,
            order_number=str(next_order_number(self.copy)),
            claim=claiming,
            record=self.recorded.append,
        )

    def _by_oscar(self, submission: dict[str, Any]) -> Any:
        arguments = {**submission, **submission["order_kwargs"]}
        total = arguments.pop("order_total")
        for name in ("order_kwargs", "payment_kwargs"):
            arguments.pop(name)
        for name in ("shipping_address", "billing_address"):
            if arguments[name] is not None:
                arguments[name].save()
        # A tie of half a cent is stored half-even by SQLite; a quote's total was rounded before that.
        rounded = Price(total.currency, self.quote.total.excl, self.quote.total.incl)
        return OrderCreator().place_order(total=rounded, status="Pending", **arguments)


def change_everything() -> None:
    """Another shop by now, but for what is deleted."""
    StockRecord, Product = get_model("partner", "StockRecord"), get_model("catalogue", "Product")
    StockRecord.objects.update(price=Decimal("777.77"), partner_sku=F("id"), num_in_stock=0)
    Product.objects.update(title="Renamed", is_discountable=False, is_public=False)
    get_model("partner", "Partner").objects.update(name="Somebody else")
    get_model("offer", "ConditionalOffer").objects.all().delete()
    get_model("voucher", "Voucher").objects.update(end_datetime=timezone.now() - timedelta(hours=1))


@pytest.mark.django_db
@pytest.mark.no_cover
@settings(max_examples=50, deadline=None, suppress_health_check=NOT_AN_EXAMPLES)
@given(recipe=recipes())
def test_any_order_is_written_as_oscar_would_have_before_everything_changed(countries: None, recipe: Recipe) -> None:
    with opened(recipe) as shop:
        agreed = Agreement(shop)
        change_everything()

        order = agreed.place()

        assert rows(order) == agreed.rows
        assert agreed.recorded == [order]
        assert agreed.claims == 1


# Oscar's analytics swallows the IntegrityError of a product that is gone: in a test's transaction that ends it.
@pytest.mark.django_db(transaction=True)
@pytest.mark.no_cover
@settings(max_examples=20, deadline=None, suppress_health_check=NOT_AN_EXAMPLES)
@given(recipe=recipes())
def test_any_order_is_written_as_agreed_although_its_goods_were_deleted(countries: None, recipe: Recipe) -> None:
    with opened(recipe) as shop:
        agreed = Agreement(shop)
        change_everything()
        shop.products[-1].stockrecords.all().delete()
        shop.products[0].delete()

        assert rows(agreed.place()) == agreed.rows


def deals(shop: Shop) -> Any:
    return get_model("offer", "ConditionalOffer").objects.filter(pk__in=[offer.pk for offer in shop.offers])


def price_goes(shop: Shop, price: Decimal | None) -> None:
    get_model("partner", "StockRecord").objects.update(price=price)


def offer_ends(shop: Shop) -> None:
    deals(shop).update(end_datetime=timezone.now() - timedelta(hours=1))


def offer_changes(shop: Shop) -> None:
    get_model("offer", "Benefit").objects.update(value=Decimal("50"))
    get_model("offer", "Condition").objects.update(value=Decimal("99"))


def offer_is_renamed(shop: Shop) -> None:
    for offer in deals(shop):
        offer.name = f"Renamed {offer.pk}"
        offer.save()


def offers_exclude_each_other(shop: Shop) -> None:
    deals(shop).update(exclusive=True)


def voucher_expires(shop: Shop) -> None:
    get_model("voucher", "Voucher").objects.update(end_datetime=timezone.now() - timedelta(hours=1))


def voucher_is_deleted(shop: Shop) -> None:
    get_model("voucher", "Voucher").objects.all().delete()


def stock_is_sold_out(shop: Shop) -> None:
    get_model("partner", "StockRecord").objects.update(num_in_stock=0)


def product_is_renamed(shop: Shop) -> None:
    get_model("catalogue", "Product").objects.update(title="Renamed", upc=F("id"))


def product_is_unpublished(shop: Shop) -> None:
    get_model("catalogue", "Product").objects.update(is_public=False, is_discountable=False)


DRIFTS: dict[str, Callable[[Shop], None]] = {
    "nothing": lambda shop: None,
    "the price went up": lambda shop: price_goes(shop, Decimal("777.77")),
    "the price went down": lambda shop: price_goes(shop, Decimal("0.01")),
    "the price was taken away": lambda shop: price_goes(shop, None),
    "the offer ended": offer_ends,
    "the offer changed": offer_changes,
    "the offer was renamed": offer_is_renamed,
    "the offers exclude each other": offers_exclude_each_other,
    "the offer was deleted": lambda shop: deals(shop).delete(),
    "the voucher expired": voucher_expires,
    "the voucher was deleted": voucher_is_deleted,
    "the stock sold out": stock_is_sold_out,
    "the product was renamed": product_is_renamed,
    "the product was unpublished": product_is_unpublished,
    "everything": lambda shop: change_everything(),
}


@pytest.mark.django_db
@pytest.mark.usefixtures("countries")
@pytest.mark.parametrize("drift", DRIFTS.values(), ids=list(DRIFTS))
def test_the_order_is_as_agreed_although(drift: Callable[[Shop], None]) -> None:
    # The twin used up the voucher of a single use, so each of these has that drift as well.
    shop = Shop(AGREED)
    agreed = Agreement(shop)
    drift(shop)

    order = agreed.place()

    assert rows(order) == agreed.rows
    assert order.total_incl_tax == Decimal("64.82")
    assert [line.line_price_incl_tax for line in order.lines.order_by("pk")] == [Decimal("26.53"), Decimal("33.30")]
    assert get_model("basket", "Basket").objects.get(pk=agreed.copy.pk).status == "Submitted"


def one_product(shop: Shop) -> None:
    shop.products[0].delete()


def all_products(shop: Shop) -> None:
    get_model("catalogue", "Product").objects.all().delete()


def one_stock_record(shop: Shop) -> None:
    shop.products[0].stockrecords.all().delete()


def all_stock_records(shop: Shop) -> None:
    get_model("partner", "StockRecord").objects.all().delete()


def partner(shop: Shop) -> None:
    get_model("partner", "Partner").objects.all().delete()


def option(shop: Shop) -> None:
    get_model("catalogue", "Option").objects.all().delete()


def everything(shop: Shop) -> None:
    all_products(shop)
    partner(shop)
    option(shop)
    deals(shop).delete()
    voucher_is_deleted(shop)


# Oscar's analytics swallows the IntegrityError of a product that is gone: in a test's transaction that ends it.
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("countries")
@pytest.mark.parametrize(
    "deleted", [one_product, all_products, one_stock_record, all_stock_records, partner, everything]
)
def test_the_order_is_as_agreed_although_somebody_deleted(deleted: Callable[[Shop], None]) -> None:
    shop = Shop(AGREED)
    agreed = Agreement(shop)
    deleted(shop)

    order = agreed.place()

    assert rows(order) == agreed.rows
    assert order.total_incl_tax == Decimal("64.82")


@pytest.mark.django_db
@pytest.mark.usefixtures("countries")
def test_a_shipping_method_that_is_gone_is_still_on_the_order(monkeypatch: pytest.MonkeyPatch) -> None:
    agreed = Agreement(Shop(AGREED))
    monkeypatch.setattr(Repository, "methods", ())

    order = agreed.place()

    assert rows(order) == agreed.rows
    assert (order.shipping_code, order.shipping_incl_tax) == ("fixed-price-shipping", Decimal("4.99"))


@pytest.mark.django_db
@pytest.mark.usefixtures("countries")
@pytest.mark.parametrize("tax", ["20 %", "7.25 %", "19 % within", "8.875 % late", "8.875 % late, unrounded"])
def test_a_tax_that_the_shop_no_longer_knows_is_still_on_the_order(tax: Any) -> None:
    # The order is placed under the sandbox's own strategy, which knows no tax at all.
    agreed = Agreement(Shop(Recipe(AGREED.goods, AGREED.deals, tax=tax)))

    order = agreed.place()

    assert rows(order) == agreed.rows
    assert order.total_incl_tax - order.total_excl_tax > 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("countries")
def test_an_account_deleted_since_leaves_the_order_to_its_address() -> None:
    user = make_user()
    agreed = Agreement(Shop(AGREED, user=user))
    user.delete()
    assert not get_model("basket", "Line").objects.filter(basket=agreed.copy.pk).exists()

    order = agreed.place()

    expected = {**agreed.rows["order"], "user_id": None, "guest_email": "ada@example.com"}
    assert rows(order) == {**agreed.rows, "order": expected}
    assert [line.product for line in order.lines.order_by("pk")] == agreed.shop.products


@pytest.mark.django_db
@pytest.mark.usefixtures("countries")
def test_a_signed_in_shopper_gets_the_order_and_the_address_in_the_address_book() -> None:
    user = make_user()
    agreed = Agreement(Shop(AGREED, user=user))
    change_everything()

    order = agreed.place()

    assert rows(order) == agreed.rows
    assert order.user == user
    assert [address.line1 for address in user.addresses.all()] == ["12 Analytical Road"]


@pytest.mark.django_db
@pytest.mark.usefixtures("countries")
def test_a_country_deleted_since_is_named_and_nothing_is_written() -> None:
    agreed = Agreement(Shop(AGREED), twin=False)
    get_model("address", "Country").objects.filter(pk="US").delete()

    with pytest.raises(QuoteUnplaceable, match="the country US of an address is no longer in the shop"):
        agreed.place()

    assert (agreed.claims, agreed.recorded) == (0, [])
    assert get_model("order", "Order").objects.count() == 0
    assert get_model("order", "ShippingAddress").objects.count() == 0
    assert get_model("basket", "Basket").objects.get(pk=agreed.copy.pk).status == "Frozen"


@pytest.mark.django_db
@pytest.mark.usefixtures("countries")
def test_sold_out_goods_are_sold_all_the_same_and_named() -> None:
    agreed = Agreement(Shop(AGREED), twin=False)
    assert oversold_products(agreed.quote) == []
    stock_is_sold_out(agreed.shop)

    agreed.place()

    assert sorted(oversold_products(agreed.quote)) == ["A", "B"]
    records = get_model("partner", "StockRecord").objects.order_by("pk")
    assert [record.num_allocated for record in records] == [3, 7]


@pytest.mark.django_db
@pytest.mark.usefixtures("countries")
def test_offer_and_voucher_count_the_order_once() -> None:
    agreed = Agreement(Shop(AGREED), twin=False)

    order = agreed.place()

    assert [(offer.num_orders, offer.num_applications) for offer in deals(agreed.shop).order_by("pk")] == [(1, 1)] * 2
    voucher = get_model("voucher", "Voucher").objects.get()
    assert (voucher.num_orders, voucher.total_discount) == (1, Decimal("3.00"))
    assert [use.order for use in voucher.applications.all()] == [order]


@pytest.mark.django_db
@pytest.mark.usefixtures("countries")
def test_who_does_not_get_the_claim_writes_nothing() -> None:
    agreed = Agreement(Shop(AGREED), twin=False)

    with pytest.raises(AlreadyClaimed):
        agreed.place(claim=False)

    assert (agreed.claims, agreed.recorded) == (1, [])
    assert get_model("order", "Order").objects.count() == 0
    assert get_model("order", "ShippingAddress").objects.count() == 0
    assert get_model("voucher", "Voucher").objects.get().num_orders == 0
    assert get_model("partner", "StockRecord").objects.filter(num_allocated__gt=0).count() == 0


@pytest.mark.django_db
@pytest.mark.usefixtures("countries")
def test_the_second_placing_of_an_order_writes_nothing() -> None:
    agreed = Agreement(Shop(AGREED), twin=False)
    order = agreed.place()

    with pytest.raises(AlreadyClaimed):
        agreed.place()

    assert agreed.recorded == [order]
    assert get_model("order", "Order").objects.count() == 1
    assert get_model("voucher", "Voucher").objects.get().num_orders == 1
