"""What staff look at: payment sessions in every state, made row by row, and the people who may or may not see them."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone
from oscar.core.loading import get_model
from oscar.test import factories

from oscar_nd8.models import Attention, Payment, PaymentLink, PaymentSession
from oscar_nd8.shop.quote import (
    Quote,
    QuotedApplication,
    QuotedDiscount,
    QuotedLine,
    QuotedPrice,
    QuotedShipping,
    QuotedSurcharge,
)
from oscar_nd8.states import DepositState, PaymentState, SessionStatus

# What staff need to see payments in the dashboard.
VIEW = "oscar_nd8.view_payments"
LINK_ID = UUID("6f2b5d0e-1111-4222-8333-444455556666")
NOON = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)
SECRET_URL = "https://pay.nd8.example/c/only-for-the-shopper"


def price(amount: str) -> QuotedPrice:
    """The same with and without tax."""
    return QuotedPrice(excl=Decimal(amount), incl=Decimal(amount), tax_code=None)


def line(title: str = "Enamel mug", quantity: int = 2, unit: str = "9.99", total: str = "17.98") -> QuotedLine:
    """Two mugs, two dollars off."""
    return QuotedLine(
        id=1,
        reference="1_1",
        product=1,
        stockrecord=1,
        partner=1,
        partner_name="Pine & Paper",
        partner_sku="MUG",
        title=title,
        upc=None,
        quantity=quantity,
        track_stock=True,
        currency="USD",
        unit=price(unit),
        line=price(total),
        consumed=quantity,
        discounts=(QuotedDiscount(amount=Decimal(2), quantity=quantity, incl_tax=True, offer=1),),
        attributes=(),
    )


def make_quote(**changes: Any) -> Quote:
    """24.97 USD: mugs, shipping, a surcharge, a voucher."""
    facts: dict[str, Any] = {
        "currency": "USD",
        "total": price("24.97"),
        "shipping": QuotedShipping(code="standard", name="Standard post", price=price("4.99"), discount=Decimal(0)),
        "surcharges": (QuotedSurcharge(code="gift", name="Gift wrapping", price=price("2.00")),),
        "shipping_address": None,
        "billing_address": None,
        "email": "ada@example.com",
        "user": None,
        "site": None,
        "language": "en",
        "lines": (line(),),
        "applications": (
            QuotedApplication(
                offer=1,
                name="Spring sale",
                description=None,
                frequency=1,
                discount=Decimal(2),
                affects=0,
                voucher=1,
                voucher_code="SPRING",
            ),
        ),
        "vouchers": (1,),
        "order_kwargs": {},
    }
    return Quote(**{**facts, **changes})


def make_order(number: str, *partners: Any) -> Any:
    """An order of one product; its line belongs to the first of `partners`."""
    order: Any = factories.create_order(number=number)
    if partners:
        order.lines.update(partner=partners[0])
    return order


def make_session(
    number: str = "100001", status: SessionStatus = SessionStatus.OPEN, *, partner: Any = None, **facts: Any
) -> PaymentSession:
    """A session in `status`, with its order where the status means one."""
    if status is SessionStatus.PLACED:
        facts.setdefault("order", make_order(number, *([partner] if partner else [])))
        facts.setdefault("placed_at", NOON)
    if status is SessionStatus.SOLD:
        link, _created = PaymentLink.objects.get_or_create(
            link_id=LINK_ID, defaults={"name": "Christmas market", "currency": "USD", "asked_at": NOON}
        )
        facts.setdefault("link", link)
    if status in {SessionStatus.PLACED, SessionStatus.SOLD, SessionStatus.PAID, SessionStatus.HELD}:
        facts.setdefault("paid_at", NOON)
    defaults: dict[str, Any] = {
        "quote": make_quote().model_dump(mode="json"),
        "fingerprint": "f" * 64,
        "reuse_key": number,
        "currency": "USD",
        "amount": 2497,
        "email": "ada@example.com",
        "checkout_id": f"CO-{number}",
        "checkout_url": SECRET_URL,
        "created_at": NOON,
        "expires_at": timezone.now(),
    }
    return PaymentSession.objects.create(order_number=number, status=status, **{**defaults, **facts})


def make_many_like(
    session: PaymentSession, count: int, *, begun: Callable[[int], datetime] = lambda _number: NOON
) -> None:
    """`count` more such sessions, numbered S0 and so on, at once."""
    fields = {
        field.attname: getattr(session, field.attname)
        for field in PaymentSession._meta.concrete_fields
        if field.attname not in {"id", "token", "order_number", "checkout_id", "reuse_key", "created_at"}
    }
    PaymentSession.objects.bulk_create(
        PaymentSession(
            order_number=f"S{number}", reuse_key=f"S{number}", checkout_id=f"S{number}", created_at=begun(number),
            **fields,
        )
        for number in range(count)
    )  # fmt: skip


def make_payment(session: PaymentSession, transaction_id: str = "TX-1", **facts: Any) -> Payment:
    """Paid in full: 1.02 USD of fee, 23.95 USD of net, at the second attempt."""
    defaults: dict[str, Any] = {
        "state": PaymentState.PAID,
        "raw_status": "paid",
        "deposit": DepositState.SUCCEEDED,
        "currency": "USD",
        "net": 2395,
        "fee": 102,
        "asked_at": NOON,
        "created_at": NOON,
        "attempts": [
            {"state": "succeeded", "at": "2026-03-14T12:05:00Z", "method": "card", "message": "", "reference": "PM-2"},
            {
                "state": "requires_payment_method",
                "at": "2026-03-14T12:04:00Z",
                "method": "card",
                "message": "Your card has insufficient funds.",
                "reference": "PM-1",
            },
        ],
    }
    return Payment.objects.create(session=session, transaction_id=transaction_id, **{**defaults, **facts})


def browser_of(
    name: str, *permissions: str, staff: bool = False, superuser: bool = False, partner: Any = None
) -> Client:
    """A browser that `name` signed in with; `permissions` as `"app_label.codename"`."""
    email = f"{name}@example.com"
    user = get_user_model().objects.create_user(
        username=email, email=email, password="secret", is_staff=staff, is_superuser=superuser
    )
    for permission in permissions:
        app_label, codename = permission.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app_label, codename=codename))
    if partner is not None:
        partner.users.add(user)
    client = Client()
    client.force_login(user)
    return client


def make_partner(name: str) -> Any:
    """A supplier of the shop."""
    return get_model("partner", "Partner").objects.create(name=name, code=name.lower())


def make_matter(session: PaymentSession | None = None, kind: str = Attention.Kind.HELD, **facts: Any) -> Attention:
    """An open matter since noon."""
    defaults = {"detail": "Something does not add up.", "created_at": NOON}
    return Attention.objects.create(session=session, kind=kind, **{**defaults, **facts})
