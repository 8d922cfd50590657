"""The shop's offers and vouchers, all of which may meet on the same items."""

from datetime import UTC, datetime
from decimal import Decimal

from oscar.apps.catalogue.models import Category, Product
from oscar.apps.offer.models import Benefit, Condition, ConditionalOffer, Range
from oscar.apps.voucher.models import Voucher

from . import goods

ALWAYS = (datetime(2020, 1, 1, tzinfo=UTC), datetime(2099, 12, 31, tzinfo=UTC))


def seed_promotions() -> None:
    """Make the offers and vouchers that are missing, and let them combine."""
    everything, _ = Range.objects.get_or_create(name="Everything", defaults={"includes_all_products": True})
    paper, created = Range.objects.get_or_create(name="Everything of paper")
    if created:
        paper.included_categories.add(Category.objects.get(name=goods.PAPER))
    candles, created = Range.objects.get_or_create(name="Candles")
    if created:
        candles.add_product(Product.objects.get(upc="PP-CANDLE"))

    _offer("10% off paper", paper, (Condition.COUNT, 1), (Benefit.PERCENTAGE, 10), priority=20)
    _offer("Three candles for two", candles, (Condition.COUNT, 3), (Benefit.MULTIBUY, None), priority=10)
    _offer(
        "3.00 off shipping from 60.00",
        everything,
        (Condition.VALUE, 60),
        (Benefit.SHIPPING_ABSOLUTE, 3),
        once=True,
    )
    _voucher("WELCOME10", "10% off everything", everything, (Condition.COUNT, 1), (Benefit.PERCENTAGE, 10))
    _voucher("FIVEOFF", "5.00 off from 20.00", everything, (Condition.VALUE, 20), (Benefit.FIXED, 5), once=True)
    _voucher(
        "ONCE",
        "15% off, for the first who uses it",
        everything,
        (Condition.COUNT, 1),
        (Benefit.PERCENTAGE, 15),
        usage=Voucher.SINGLE_USE,
    )
    _let_all_combine()


def _offer(
    name: str,
    goods_range: Range,
    condition: tuple[str, int],
    benefit: tuple[str, int | None],
    *,
    kind: str = ConditionalOffer.SITE,
    priority: int = 0,
    once: bool = False,
) -> ConditionalOffer:
    """The offer of that name; `once` keeps a fixed sum from being taken off again and again in one basket."""
    known = ConditionalOffer.objects.filter(name=name).first()
    if known:
        return known
    (needs, amount), (gives, value) = condition, benefit
    shipping = gives == Benefit.SHIPPING_ABSOLUTE
    return ConditionalOffer.objects.create(
        name=name,
        offer_type=kind,
        exclusive=False,
        priority=priority,
        max_basket_applications=1 if once else None,
        condition=Condition.objects.create(range=goods_range, type=needs, value=Decimal(amount)),
        benefit=Benefit.objects.create(
            range=None if shipping else goods_range,
            type=gives,
            value=None if value is None else Decimal(value),
        ),
    )


def _voucher(
    code: str,
    name: str,
    goods_range: Range,
    condition: tuple[str, int],
    benefit: tuple[str, int | None],
    *,
    usage: str = Voucher.MULTI_USE,
    once: bool = False,
) -> None:
    offer = _offer(name, goods_range, condition, benefit, kind=ConditionalOffer.VOUCHER, priority=-10, once=once)
    start, end = ALWAYS
    defaults = {"name": name, "usage": usage, "start_datetime": start, "end_datetime": end}
    voucher, created = Voucher.objects.get_or_create(code=code, defaults=defaults)
    if created:
        voucher.offers.add(offer)


def _let_all_combine() -> None:
    """Else the first offer on an item keeps the others off it, and a voucher is refused as worthless."""
    offers = list(ConditionalOffer.objects.filter(exclusive=False))
    for offer in offers:
        offer.combinations.add(*(other for other in offers if other != offer))
