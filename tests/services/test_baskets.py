"""Whatever Oscar makes of a basket, ND8 is asked for its total to the cent, in items that ND8 can take."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from django.db.models import F
from hypothesis import HealthCheck, assume, given
from hypothesis import settings as examples
from oscar.core.loading import get_model

from oscar_nd8.client import AdHocItem
from oscar_nd8.exceptions import NotOffered
from oscar_nd8.gateway import ReturnAddresses
from oscar_nd8.lines import itemise
from oscar_nd8.models import PaymentSession
from oscar_nd8.money import to_json_number
from oscar_nd8.services.open_checkout import open_checkout
from oscar_nd8.services.why_not_offered import why_not_offered
from oscar_nd8.shop.quote import Quote, fingerprint, minor_total, parts_of
from oscar_nd8.testing import ND8
from tests.baskets import Deal, Goods, Recipe, Shop, cents, opened, quoted, recipes

pytestmark = pytest.mark.django_db

_DOCUMENT = Path(__file__).parents[1] / "emulator" / "nd8_openapi.yaml"
# OpenAPI 3.0 writes `exclusiveMinimum: true`, as JSON schema did in draft 4.
PRODUCT_ITEM = jsonschema_rs.Draft4Validator(
    yaml.safe_load(_DOCUMENT.read_text(encoding="utf-8"))["components"]["schemas"]["AdHocItem"]
)

# The database and the emulator are a test's, not an example's: each example resets ND8 and ends its own offers.
NOT_AN_EXAMPLES = [HealthCheck.function_scoped_fixture]

RETURNS = ReturnAddresses(*(f"https://shop.example/{way}/" for way in ("success", "failed", "cancel")))

A, B = Goods("9.99", 3, "A"), Goods("5.37", 7, "B")

NAMED = {
    "7 % off everything": (Recipe((A, B), (Deal("Percentage", "7"),)), 6782),
    "3 for 2 on one line": (Recipe((Goods("12.49", 4),), (Deal("Multibuy", needs="3"),)), 4246),
    "a voucher of 5.00 over three lines": (
        Recipe((Goods("9.99"), Goods("5.37", 2), Goods("14.79")), (Deal("Absolute", "5.00", code="FIVE"),)),
        3551,
    ),
    "a bundle: 3 for 10.00": (
        Recipe((Goods("4.40", 3), Goods("10.00")), (Deal("Fixed price", "10.00", needs="3"),)),
        2499,
    ),
    "20 % tax to four decimals on 7 pieces": (Recipe((Goods("0.99", 7),), tax="20 %", shipping_tax="0.9980"), 1431),
    "7.25 % tax on three odd lines": (Recipe((Goods("0.47"),) * 3, tax="7.25 %", shipping="0.00"), 151),
    "20 % tax, 15 % off the net price": (
        Recipe((Goods("4.57", 6), Goods("1.44")), (Deal("Percentage", "15"),), "20 %", shipping_tax="0.9980"),
        3439,
    ),
    "20 % tax, 15 % off the gross price": (
        Recipe(
            (Goods("4.57", 6), Goods("1.44")),
            (Deal("Percentage", "15"),),
            "20 %",
            shipping_tax="0.9980",
            offers_incl_tax=True,
        ),
        3543,
    ),
    "33 % off shipping and a surcharge of 2.5 %": (
        Recipe((Goods("19.99", 3),), (Deal("Shipping percentage", "33"),), surcharges=(("%", "2.5"),)),
        6489,
    ),
    "one product free": (
        Recipe((Goods("3.00", 2), Goods("8.00", on_offer=False)), (Deal("Percentage", "100"),)),
        1299,
    ),
    "everything free but the shipping": (Recipe((Goods("9.99", 2),), (Deal("Percentage", "100"),)), 499),
    "less than a cent a piece": (Recipe((Goods("0.05", 100),), (Deal("Percentage", "90"),), shipping="0.00"), 50),
    "35 % off at most 2 of 5 pieces": (Recipe((Goods("6.65", 5),), (Deal("Percentage", "35", at_most=2),)), 3359),
    "American tax, known late": (Recipe((Goods("2.98", 14),), tax="8.875 % late"), 5041),
    "American tax, known late and never rounded": (Recipe((Goods("2.98", 14),), tax="8.875 % late, unrounded"), 5041),
    "10 % and 4.00 stacked": (Recipe((A, B), (Deal("Percentage", "10"), Deal("Absolute", "4.00"))), 6179),
    "a rebate of 1.50 for paying now": (Recipe((Goods("9.99", 3),), surcharges=(("flat", "-1.50"),)), 3346),
}
FREE = Recipe((Goods("9.99", 2),), (Deal("Percentage", "100"),), shipping="0.00")
TOO_CHEAP = Recipe((Goods("4.99", 2),), (Deal("Percentage", "97"),), shipping="0.00")


def begin(shop: Shop) -> PaymentSession:
    """From a filled basket to ND8."""
    basket_id = shop.fill()
    return open_checkout(shop.quote(basket_id), source_basket_id=basket_id, returns=lambda _session: RETURNS).session


def sent(nd8: ND8) -> list[dict[str, Any]]:
    """The items of the only checkout at ND8, each of them one that ND8's document allows."""
    (checkout,) = nd8.checkouts
    products: list[dict[str, Any]] = checkout["request"]["products"]
    for each in products:
        assert_valid(each)
    return products


def assert_valid(item: dict[str, Any]) -> None:
    """By ND8's document, and by hand in case the document is read too kindly."""
    PRODUCT_ITEM.validate(item)
    assert set(item) == {"name", "quantity", "unit_price"}
    assert item["name"].strip() == item["name"] != ""
    assert type(item["quantity"]) is int
    assert item["quantity"] >= 1
    assert type(item["unit_price"]) in {int, float}
    assert Decimal(str(item["unit_price"])) >= Decimal("0.01")
    assert Decimal(str(item["unit_price"])) % Decimal("0.01") == 0


def total_of(items: list[dict[str, Any]]) -> Decimal:
    """What ND8 makes of the items."""
    return sum((each["quantity"] * Decimal(str(each["unit_price"])) for each in items), Decimal(0))


def as_sent(quote: Quote, *, with_tax: bool) -> list[dict[str, Any]]:
    """A quote's items as the gateway writes them."""
    items = itemise(
        minor_total(quote, with_tax=with_tax),
        parts_of(quote, with_tax=with_tax),
        currency=quote.currency,
        whole_name="Your order",
        other_name="Other charges",
    )
    return [
        AdHocItem(
            name=item.name, quantity=item.quantity, unit_price=to_json_number(item.unit_amount, quote.currency)
        ).model_dump(mode="json")
        for item in items
    ]


@pytest.mark.usefixtures("countries")
@pytest.mark.parametrize(("recipe", "charge"), NAMED.values(), ids=list(NAMED))
def test_nd8_is_asked_for_exactly(nd8: ND8, recipe: Recipe, charge: int) -> None:
    session = begin(Shop(recipe))

    items = sent(nd8)
    assert total_of(items) == Decimal(charge).scaleb(-2)
    assert session.amount == charge
    assert Quote.model_validate(session.quote).total.incl == Decimal(charge).scaleb(-2)
    assert nd8.checkouts[0]["request"]["currency"] == "USD"


@pytest.mark.usefixtures("countries")
def test_an_order_that_costs_nothing_has_no_items_and_begins_no_payment(nd8: ND8) -> None:
    shop = Shop(FREE)
    quote = shop.quote(shop.fill())

    assert (quote.total.incl, quote.total.excl) == (Decimal("0.00"), Decimal("0.00"))
    assert as_sent(quote, with_tax=True) == []
    with pytest.raises(NotOffered):
        begin(shop)
    assert nd8.calls("createPayment") == 0
    assert PaymentSession.objects.count() == 0


@pytest.mark.usefixtures("countries")
def test_an_order_of_thirty_cents_is_refused_with_a_reason_and_leaves_nothing_behind(nd8: ND8) -> None:
    shop = Shop(TOO_CHEAP)
    quote = shop.quote(shop.fill())

    assert quote.total.incl == Decimal("0.30")
    assert why_not_offered(total=quote.total.incl, currency="USD") == "ND8 takes payments from 0.50 USD."
    with pytest.raises(NotOffered, match=r"ND8 takes payments from 0\.50 USD\."):
        begin(shop)
    assert nd8.calls("createPayment") == 0
    assert PaymentSession.objects.count() == 0
    assert get_model("basket", "Basket").objects.filter(status="Frozen").count() == 0


@pytest.mark.usefixtures("countries")
@pytest.mark.parametrize(
    "surcharge", ["-9.99", "-20.00", "-9.9860"], ids=["nothing", "less than nothing", "less than half a cent"]
)
def test_without_a_lowest_amount_too_nothing_is_begun_for(nd8: ND8, settings: Any, surcharge: str) -> None:
    settings.ND8 = {**settings.ND8, "MIN_AMOUNTS": {}}

    with pytest.raises(NotOffered, match="nothing to pay"):
        begin(Shop(Recipe((Goods("9.99"),), shipping="0.00", surcharges=(("flat", surcharge),))))

    assert nd8.calls("createPayment") == 0
    assert PaymentSession.objects.count() == 0
    assert get_model("basket", "Basket").objects.filter(status="Frozen").count() == 0


@pytest.mark.usefixtures("countries")
def test_what_does_not_divide_becomes_two_items_that_differ_by_a_cent(nd8: ND8) -> None:
    begin(Shop(Recipe((A, B), (Deal("Percentage", "7"),))))

    assert [(each["name"], each["quantity"], each["unit_price"]) for each in sent(nd8)] == [
        ("A", 3, 9.29),
        ("B", 4, 4.99),
        ("B", 3, 5),
        ("Fixed price shipping", 1, 4.99),
    ]


@pytest.mark.usefixtures("countries")
def test_free_goods_are_left_out_of_the_items_and_stay_in_the_quote(nd8: ND8) -> None:
    recipe, _charge = NAMED["one product free"]
    session = begin(Shop(recipe))

    assert [each["unit_price"] for each in sent(nd8)] == [8, 4.99]
    assert [(line.quantity, line.line.incl) for line in Quote.model_validate(session.quote).lines] == [
        (2, Decimal("0.00")),
        (1, Decimal("8.00")),
    ]


@pytest.mark.usefixtures("countries")
def test_a_rebate_is_spread_and_never_an_item_of_its_own(nd8: ND8) -> None:
    recipe, _charge = NAMED["a rebate of 1.50 for paying now"]
    begin(Shop(recipe))

    assert {each["name"] for each in sent(nd8)} == {"Enamel mug", "Fixed price shipping"}


@pytest.mark.no_cover
@examples(max_examples=150, deadline=None, suppress_health_check=NOT_AN_EXAMPLES)
@given(recipe=recipes())
def test_any_basket_is_charged_to_the_cent_or_refused(nd8: ND8, countries: None, recipe: Recipe) -> None:
    nd8.reset()
    with opened(recipe) as shop:
        basket_id = shop.fill()
        submission = shop.submission(basket_id)
        quote = quoted(submission)
        reason = why_not_offered(total=quote.total.incl, currency=recipe.currency)
        if reason:
            with pytest.raises(NotOffered, match=reason):
                open_checkout(quote, source_basket_id=basket_id, returns=lambda _session: RETURNS)
            assert nd8.calls("createPayment") == 0
            return

        session = open_checkout(quote, source_basket_id=basket_id, returns=lambda _session: RETURNS).session

    assert cents(total_of(sent(nd8))) == cents(submission["order_total"].incl_tax) == session.amount
    assert nd8.checkouts[0]["request"]["currency"] == session.currency == recipe.currency
    assert Quote.model_validate(session.quote) == quote


@pytest.mark.no_cover
@examples(max_examples=60, deadline=None, suppress_health_check=NOT_AN_EXAMPLES)
@given(recipe=recipes())
def test_any_basket_has_exact_items_without_tax_where_nd8_adds_it(countries: None, recipe: Recipe) -> None:
    with opened(recipe) as shop:
        submission = shop.submission(shop.fill())
        total = submission["order_total"].excl_tax
        assume(total >= 0)

        items = as_sent(quoted(submission), with_tax=False)

    for item in items:
        assert_valid(item)
    assert cents(total_of(items)) == cents(total)


@pytest.mark.no_cover
@examples(max_examples=40, deadline=None, suppress_health_check=NOT_AN_EXAMPLES)
@given(recipe=recipes())
def test_a_quote_survives_being_stored_and_the_same_basket_gives_it_again(countries: None, recipe: Recipe) -> None:
    with opened(recipe) as shop:
        basket_id = shop.fill()
        quote, again = shop.quote(basket_id), shop.quote(basket_id)

    stored = Quote.model_validate(quote.model_dump(mode="json"))
    assert stored == quote == again
    assert fingerprint(stored) == fingerprint(quote) == fingerprint(again)
    assert Quote.model_validate_json(quote.model_dump_json()) == quote


@pytest.mark.no_cover
@examples(max_examples=30, deadline=None, suppress_health_check=NOT_AN_EXAMPLES)
@given(recipe=recipes())
def test_the_fingerprint_changes_with_any_price_quantity_address_or_discount(countries: None, recipe: Recipe) -> None:
    with opened(recipe) as shop:
        basket_id = shop.fill()
        quotes = [shop.quote(basket_id)]
        if quotes[0].applications:
            get_model("offer", "ConditionalOffer").objects.all().delete()
            quotes.append(shop.quote(basket_id))
        shop.line1 = "13 Analytical Road"
        quotes.append(shop.quote(basket_id))
        line = get_model("basket", "Line").objects.filter(basket=basket_id).latest("pk")
        line.quantity += 1
        line.save()
        quotes.append(shop.quote(basket_id))
        get_model("partner", "StockRecord").objects.update(price=F("price") + Decimal("0.01"))
        quotes.append(shop.quote(basket_id))

    assert len({fingerprint(quote) for quote in quotes}) == len(quotes)
