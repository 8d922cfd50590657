"""Baskets as Oscar prices them, from a recipe in plain words: goods, deals, tax, shipping, surcharges."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import count
from typing import Any, Literal

from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.test import RequestFactory, override_settings
from django.utils import timezone
from hypothesis import strategies as st
from oscar.apps.checkout.applicator import SurchargeApplicator
from oscar.apps.checkout.calculators import OrderTotalCalculator
from oscar.apps.checkout.surcharges import FlatCharge, PercentageCharge
from oscar.apps.offer.applicator import Applicator
from oscar.apps.partner import prices, strategy
from oscar.apps.shipping.methods import FixedPrice
from oscar.apps.shipping.repository import Repository
from oscar.core.loading import get_model

from oscar_nd8.shop.quote import Quote, take_quote
from oscar_nd8.testing import make_product

__all__ = ["Deal", "Goods", "Recipe", "Shop", "cents", "opened", "quoted", "recipes"]

Tax = Literal["none", "19 % within", "20 %", "7.25 %", "8.875 % late", "8.875 % late, unrounded"]

_CENT = Decimal("0.01")
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Goods:
    """One basket line; `engraving` is an option's value."""

    price: str
    quantity: int = 1
    title: str = "Enamel mug"
    on_offer: bool = True
    engraving: str = ""


@dataclass(frozen=True, slots=True)
class Deal:
    """One of Oscar's offers. `kind` and `condition` are Oscar's names; with a `code` it is a voucher's.

    It takes something off at most `at_most` pieces each time, and is given at most `times` times.
    """

    kind: str
    value: str | None = None
    condition: str = "Count"
    needs: str = "1"
    at_most: int | None = None
    times: int | None = None
    code: str = ""
    exclusive: bool = False
    usage: str = "Multi-use"


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that makes a price. A surcharge is `("%", "2.5")` or `("flat", "-1.50")`."""

    goods: tuple[Goods, ...]
    deals: tuple[Deal, ...] = ()
    tax: Tax = "none"
    shipping: str = "4.99"
    shipping_tax: str = "0.00"
    surcharges: tuple[tuple[str, str], ...] = ()
    currency: str = "USD"
    offers_incl_tax: bool = False
    country: str = "US"
    billed_elsewhere: bool = False


class Vat20(strategy.FixedRateTax, strategy.Default):
    """Oscar's FixedRateTax, tax to four decimals."""

    rate = Decimal("0.20")


class Vat725(strategy.FixedRateTax, strategy.Default):
    """A rate that leaves fractions of a cent on nearly every price."""

    rate = Decimal("0.0725")


class Within(strategy.Default):
    """Prices on the shelf contain 19 %."""

    def pricing_policy(self, product: Any, stockrecord: Any) -> Any:
        """The net price is rounded to the cent, the rest is tax."""
        net = (stockrecord.price / Decimal("1.19")).quantize(_CENT, ROUND_HALF_UP)
        return prices.TaxInclusiveFixedPrice(stockrecord.price_currency, net, tax=stockrecord.price - net)


_STRATEGIES: dict[Tax, type[strategy.Base]] = {
    "none": strategy.Default,
    "19 % within": Within,
    "20 %": Vat20,
    "7.25 %": Vat725,
    "8.875 % late": strategy.US,
    "8.875 % late, unrounded": strategy.US,
}


class Shop:
    """A shop that has exactly what a recipe asks for; `user` is its shopper, None for a guest."""

    def __init__(self, recipe: Recipe, *, user: Any = None) -> None:
        self.recipe, self.user = recipe, user
        self.line1 = "12 Analytical Road"
        self.products = [make_product(each.title, each.price, currency=recipe.currency) for each in recipe.goods]
        self.range = self._range()
        self.vouchers: list[Any] = []
        self.offers = [self.add_deal(deal) for deal in recipe.deals]

    def fill(self) -> int:
        """A basket with the recipe's goods; its primary key."""
        Basket, Option = get_model("basket", "Basket"), get_model("catalogue", "Option")
        basket = Basket.objects.create(owner=self.user)
        basket.strategy = _STRATEGIES[self.recipe.tax]()
        for product, goods in zip(self.products, self.recipe.goods, strict=True):
            options = []
            if goods.engraving:
                option, _created = Option.objects.get_or_create(code="engraving", defaults={"name": "Engraving"})
                options = [{"option": option, "value": goods.engraving}]
            basket.add_product(product, goods.quantity, options)
        basket.vouchers.set(self.vouchers)
        return int(basket.pk)

    def submission(self, basket_id: int) -> dict[str, Any]:
        """The basket priced from nothing, as `build_submission()` of Oscar's checkout gives it."""
        recipe, user = self.recipe, self.user or AnonymousUser()
        basket = get_model("basket", "Basket").objects.get(pk=basket_id)
        basket.strategy = _STRATEGIES[recipe.tax]()
        with override_settings(OSCAR_OFFERS_INCL_TAX=recipe.offers_incl_tax):
            Applicator().apply(basket, user)
        self._tax_late(basket)
        method, charge = self._shipping(basket)
        surcharges = _Surcharges(recipe.surcharges).get_applicable_surcharges(basket, shipping_charge=charge)
        return {
            "user": user,
            "basket": basket,
            "shipping_address": self._address("ShippingAddress"),
            "shipping_method": method,
            "shipping_charge": charge,
            "billing_address": self._address("BillingAddress") if recipe.billed_elsewhere else None,
            "order_total": OrderTotalCalculator().calculate(basket, charge, surcharges=surcharges),
            "surcharges": surcharges,
            "order_kwargs": {} if self.user else {"guest_email": "guest@example.com"},
            "payment_kwargs": {},
        }

    def quote(self, basket_id: int) -> Quote:
        """What the shopper of this basket would agree to now."""
        return quoted(self.submission(basket_id))

    def add_deal(self, deal: Deal) -> Any:
        """One more offer from now on; in baskets filled from now on where it needs a voucher."""
        Condition, Benefit, Offer = (
            get_model("offer", "Condition"),
            get_model("offer", "Benefit"),
            get_model("offer", "ConditionalOffer"),
        )
        offer = Offer.objects.create(
            name=f"{deal.kind} {deal.value} #{next(_numbers)}",
            offer_type=Offer.VOUCHER if deal.code else Offer.SITE,
            exclusive=deal.exclusive,
            max_basket_applications=deal.times,
            condition=Condition.objects.create(range=self.range, type=deal.condition, value=Decimal(deal.needs)),
            benefit=Benefit.objects.create(
                range=self.range,
                type=deal.kind,
                value=None if deal.value is None else Decimal(deal.value),
                max_affected_items=deal.at_most,
            ),
        )
        if deal.code:
            self._voucher(deal).offers.add(offer)
        return offer

    def _voucher(self, deal: Deal) -> Any:
        now, name = timezone.now(), f"{deal.code}{next(_numbers)}"
        voucher = get_model("voucher", "Voucher").objects.create(
            name=name,
            code=name,
            usage=deal.usage,
            start_datetime=now - timedelta(days=1),
            end_datetime=now + timedelta(days=1),
        )
        self.vouchers.append(voucher)
        return voucher

    def _range(self) -> Any:
        everything = all(goods.on_offer for goods in self.recipe.goods)
        found = get_model("offer", "Range").objects.create(
            name=f"Range #{next(_numbers)}", includes_all_products=everything
        )
        if not everything:
            chosen = zip(self.products, self.recipe.goods, strict=True)
            found.included_products.set([product for product, goods in chosen if goods.on_offer])
        return found

    def _tax_late(self, basket: Any) -> None:
        if not self.recipe.tax.startswith("8.875"):
            return
        for line in basket.all_lines():
            tax = line.purchase_info.price.excl_tax * Decimal("0.08875")
            rounded = tax if self.recipe.tax.endswith("unrounded") else tax.quantize(Decimal("0.0001"))
            line.purchase_info.price.tax = rounded

    def _shipping(self, basket: Any) -> tuple[Any, Any]:
        net, tax = Decimal(self.recipe.shipping), Decimal(self.recipe.shipping_tax)
        late = self.recipe.tax.startswith("8.875")
        methods: list[Any] = [FixedPrice(net, None if late else net + tax)]
        if basket.has_shipping_discounts:
            methods = Repository().apply_shipping_offers(basket, methods)
        charge = methods[0].calculate(basket)
        if not charge.is_tax_known:
            charge.tax = tax
        return methods[0], charge

    def _address(self, model: str) -> Any:
        return get_model("order", model)(
            first_name="Ada",
            last_name="Byron",
            line1=self.line1,
            line4="Springfield",
            postcode="62701",
            country_id=self.recipe.country,
        )


class _Surcharges(SurchargeApplicator):
    def __init__(self, surcharges: tuple[tuple[str, str], ...]) -> None:
        super().__init__()
        self.surcharges = surcharges

    def get_surcharges(self, basket: Any, **kwargs: Any) -> Any:
        """Oscar's own two kinds."""
        return [
            PercentageCharge(Decimal(value)) if kind == "%" else FlatCharge(Decimal(value), Decimal(value))
            for kind, value in self.surcharges
        ]


def quoted(submission: dict[str, Any]) -> Quote:
    """What a shopper with this submission agrees to."""
    return take_quote(submission, request=RequestFactory().get("/"))


@contextmanager
def opened(recipe: Recipe, *, user: Any = None) -> Iterator[Shop]:
    """A shop that ends with all that was written in it, so that the next one in the same database finds it empty.

    Where each of its statements is committed, at least its offers end.
    """
    savepoint = transaction.savepoint()
    try:
        yield Shop(recipe, user=user)
    finally:
        transaction.savepoint_rollback(savepoint)
        get_model("offer", "ConditionalOffer").objects.all().delete()


def cents(amount: Decimal) -> int:
    """Half a cent up, as Oscar rounds; written out here so that it owes nothing to the code under test."""
    return int(amount.quantize(_CENT, ROUND_HALF_UP).scaleb(2))


def _money(lowest: int, highest: int) -> st.SearchStrategy[str]:
    return st.integers(lowest, highest).map(lambda amount: f"{Decimal(amount).scaleb(-2)}")


_TITLES = ["Enamel mug", "Plakat »Ärger«", "茶", " ", "x" * 255, "a\u202eb", "Tea, 100\u00a0g"]

_goods = st.builds(
    Goods,
    price=st.one_of(_money(0, 99), _money(100, 9999), st.sampled_from(["0.00", "0.01", "9.99", "33.33"])),
    quantity=st.integers(1, 12),
    title=st.sampled_from(_TITLES),
    on_offer=st.sampled_from([True, True, True, False]),
    engraving=st.sampled_from(["", "", "Ada"]),
)
_condition = st.one_of(
    st.tuples(st.just("Count"), st.integers(1, 4).map(str)),
    st.tuples(st.just("Coverage"), st.integers(1, 3).map(str)),
    st.tuples(st.just("Value"), _money(1, 3000)),
)
_benefit = st.one_of(
    st.tuples(st.just("Percentage"), st.one_of(_money(1, 10000), st.sampled_from(["7", "33", "100"]))),
    st.tuples(st.sampled_from(["Absolute", "Fixed"]), _money(1, 2500)),
    st.tuples(st.just("Fixed price"), _money(0, 2500)),
    st.tuples(st.just("Multibuy"), st.none()),
    st.tuples(st.just("Shipping percentage"), st.one_of(_money(1, 10000), st.just("33"))),
    st.tuples(st.sampled_from(["Shipping absolute", "Shipping fixed price"]), _money(0, 800)),
)


@st.composite
def _deals(draw: st.DrawFn) -> Deal:
    (kind, value), (condition, needs) = draw(_benefit), draw(_condition)
    return Deal(
        kind,
        value,
        condition,
        needs,
        at_most=draw(st.sampled_from([None, None, 1, 2, 3])),
        # Oscar gives some of them ten thousand times: "Fixed price" takes a line again of which nothing is left.
        times=draw(st.sampled_from([1, 2, 12])),
        code=draw(st.sampled_from(["", "", "GIFT"])),
        exclusive=draw(st.sampled_from([False, False, True])),
        usage=draw(st.sampled_from(["Multi-use", "Single use"])),
    )


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    """Any of Oscar's ingredients in any combination, in dollars and euros."""
    tax: Tax = draw(st.sampled_from(list(_STRATEGIES)))
    shipping = draw(st.one_of(st.sampled_from(["0.00", "4.99"]), _money(0, 1500)))
    # An offer that counts with tax cannot be priced before the tax is known: Oscar raises TaxNotKnown.
    offers_incl_tax = draw(st.booleans()) and not tax.startswith("8.875")
    surcharge = st.one_of(
        st.tuples(st.just("%"), st.sampled_from(["2.5", "1.9", "3", "-2"])),
        st.tuples(st.just("flat"), st.sampled_from(["0.30", "1.50", "-0.50", "-1.50", "-3.33"])),
    )
    return Recipe(
        goods=tuple(draw(st.lists(_goods, min_size=1, max_size=5))),
        deals=tuple(draw(st.lists(_deals(), max_size=3))),
        tax=tax,
        shipping=shipping,
        shipping_tax=draw(st.sampled_from(["0.00", "0.9980", "0.3618"])) if Decimal(shipping) else "0.00",
        surcharges=tuple(draw(st.lists(surcharge, max_size=2))),
        currency=draw(st.sampled_from(["USD", "EUR"])),
        offers_incl_tax=offers_incl_tax,
        country=draw(st.sampled_from(["US", "DE"])),
        billed_elsewhere=draw(st.booleans()),
    )
