"""The shop as a sequence uses it: a shopper with a basket, and everything that is written about their payments."""

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from itertools import count
from typing import Any

from django.core import mail
from django.db import connection, models
from django.db.models import F
from oscar.core.loading import get_model

from oscar_nd8.gateway import ReturnAddresses
from oscar_nd8.models import Attention, Payment, PaymentSession, Refund, StaffAction, WebhookEvent
from oscar_nd8.services.open_checkout import open_checkout
from oscar_nd8.shop.quote import Quote, QuotedLine, QuotedPrice
from oscar_nd8.states import SessionStatus
from oscar_nd8.testing import make_user
from tests.baskets import Goods, Recipe, Shop

__all__ = ["Buyer", "Rows", "Shelf", "age_rows", "forget_rows"]

Basket, BasketLine = get_model("basket", "Basket"), get_model("basket", "Line")
Order, Source = get_model("order", "Order"), get_model("payment", "Source")

TWO_KINDS = Recipe((Goods("9.99", title="Enamel mug"), Goods("12.34", title="Tea towel")), shipping="4.99")
RETURNS = ReturnAddresses(*(f"https://shop.example/{name}/" for name in ("success", "failed", "canceled")))


def _moments(model: type[models.Model]) -> list[str]:
    return [each.attname for each in model._meta.concrete_fields if isinstance(each, models.DateTimeField)]


OURS = (StaffAction, Attention, Refund, Payment, PaymentSession, WebhookEvent)  # each before what it points to
# In one statement each, because a sequence spends much of its time between them.
FORGET = "".join(f"DELETE FROM {model._meta.db_table};" for model in OURS)
AGE = "".join(
    f"UPDATE {model._meta.db_table} SET {', '.join(f'{name} = {name} - %(by)s::interval' for name in _moments(model))};"
    for model in OURS
)
_numbers = count(1)


class Shelf:
    """Two products that never run out, and what a shopper agrees to who buys one of each.

    Baskets are priced in other tests; here the same agreement is made over for any quantities.
    """

    def __init__(self) -> None:
        shop = Shop(TWO_KINDS)
        self.products: list[Any] = shop.products
        for product in self.products:
            product.stockrecords.update(num_in_stock=10**9)
        self._quote = shop.quote(shop.fill())

    def line(self, kind: int) -> QuotedLine:
        """One of them, at its price."""
        return self._quote.lines[kind]

    def quote(self, lines: Iterable[Any], *, email: str, user: Any) -> Quote:
        """What the shopper agrees to who has these lines in the basket."""
        kinds = {line.reference: line for line in self._quote.lines}
        quoted = tuple(_times(kinds[line.line_reference], line) for line in lines)
        total = sum((line.line.incl for line in quoted), self._quote.shipping.price.incl)
        return self._quote.model_copy(
            update={
                "lines": quoted,
                "total": QuotedPrice(excl=total, incl=total),
                "email": email,
                "user": user and user.pk,
                "order_kwargs": {} if user else {"guest_email": email},
            }
        )


class Buyer:
    """One shopper, who never leaves the preview: more goods in the basket, and "Pay now"."""

    def __init__(self, shelf: Shelf, *, signed_in: bool) -> None:
        self.shelf = shelf
        self.email = f"buyer-{next(_numbers)}@example.com"
        self.user = make_user(self.email) if signed_in else None
        self.basket = Basket.objects.create(owner=self.user)
        self._left: Counter[str] = Counter()
        self._counted: set[int] = set()

    def add(self, kind: int, quantity: int) -> None:
        """More of one of the two products."""
        line = self.shelf.line(kind)
        self._left[line.reference] += quantity
        if BasketLine.objects.filter(basket=self.basket, line_reference=line.reference).update(
            quantity=F("quantity") + quantity
        ):
            return
        BasketLine.objects.create(
            basket=self.basket,
            line_reference=line.reference,
            product_id=line.product,
            stockrecord_id=line.stockrecord,
            quantity=quantity,
            price_currency=line.currency,
            price_excl_tax=line.unit.excl,
            price_incl_tax=line.unit.incl,
        )

    def pay_now(self) -> None:
        """What the button on the preview does, if there is anything in the basket; raises as `open_checkout`."""
        lines = list(self._lines().order_by("pk"))
        if lines:
            quote = self.shelf.quote(lines, email=self.email, user=self.user)
            open_checkout(quote, source_basket_id=self.basket.pk, returns=lambda _session: RETURNS)

    def left(self, orders: Iterable[Any]) -> Counter[str]:
        """What must be in the basket: all that was put there, and is in none of the orders."""
        for order in orders:
            if order.pk not in self._counted:
                self._counted.add(order.pk)
                bought = {line.partner_sku: line.quantity for line in order.lines.all()}
                kinds = {line.partner_sku: line.reference for line in map(self.shelf.line, (0, 1))}
                self._left -= Counter({kinds[sku]: quantity for sku, quantity in bought.items()})
        return self._left

    def goods(self) -> Counter[str]:
        """What is in the open basket now."""
        return Counter(dict(self._lines().values_list("line_reference", "quantity")))

    def orders(self) -> list[Any]:
        """Whatever this shopper ordered, oldest first."""
        mine = {"user": self.user} if self.user else {"guest_email": self.email}
        return list(Order.objects.filter(**mine).order_by("pk").prefetch_related("lines"))

    def _lines(self) -> Any:
        return BasketLine.objects.filter(basket_id=self.basket.pk, basket__status=Basket.OPEN)


class Rows:
    """Everything that is written now; one example is alone with its rows."""

    def __init__(self, buyer: Buyer) -> None:
        self._buyer = buyer
        self.sessions: list[PaymentSession] = []
        self.payments: list[Payment] = []
        self.refunds: list[Refund] = []
        self.matters: list[Attention] = []
        self.orders: list[Any] = []
        self.sources: list[Any] = []
        self.goods = buyer.goods()

    def read(self, written: set[str]) -> None:
        """Look again at what stands in these tables. Most steps write to few, and a sequence is mostly queries."""
        if "oscar_nd8_paymentsession" in written:
            self.sessions = list(PaymentSession.objects.order_by("pk").defer("quote", "checkout_url"))
        if "oscar_nd8_payment" in written:
            self.payments = list(Payment.objects.order_by("pk"))
        if "oscar_nd8_refund" in written:
            self.refunds = list(Refund.objects.order_by("pk"))
        if "oscar_nd8_attention" in written:
            self.matters = list(Attention.objects.order_by("pk"))
        if "order_order" in written:
            self.orders = self._buyer.orders()
        if "payment_source" in written:
            self.sources = list(Source.objects.filter(order__in=self.orders))
        if "basket_line" in written:
            self.goods = self._buyer.goods()

    def session(self, pk: int) -> PaymentSession:
        """The one with this key."""
        return next(each for each in self.sessions if each.pk == pk)

    def held(self) -> list[Attention]:
        """The matters of payments that wait for somebody's decision."""
        waiting = {session.pk for session in self.sessions if session.status == SessionStatus.HELD}
        return [each for each in self.matters if each.kind == Attention.Kind.HELD and each.session_id in waiting]

    def open_matters(self) -> list[Attention]:
        """What staff were told of and nobody settled."""
        return [each for each in self.matters if each.resolved_at is None]


def age_rows(by: timedelta) -> None:
    """Let everything have happened earlier."""
    with connection.cursor() as cursor:
        cursor.execute(AGE, {"by": f"{by.total_seconds()} seconds"})


def forget_rows() -> None:
    """Remove what an example left of ours; its orders stay, as nobody looks at them any more."""
    mail.outbox.clear()
    with connection.cursor() as cursor:
        cursor.execute(FORGET)


def _times(one: QuotedLine, line: Any) -> QuotedLine:
    worth = QuotedPrice(excl=one.unit.excl * line.quantity, incl=one.unit.incl * line.quantity)
    return one.model_copy(update={"id": line.pk, "quantity": line.quantity, "line": worth})
