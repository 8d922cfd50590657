"""What a payment needs, made as a shop would have it: countries, customers, products, and payment sessions."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model

from oscar_nd8.conf import get_settings
from oscar_nd8.testing.emulated import ND8
from oscar_nd8.testing.shopper import Shopper

if TYPE_CHECKING:
    from oscar_nd8.models import PaymentSession

__all__ = ["make_countries", "make_product", "make_session", "make_user"]

COUNTRIES = {"US": ("USA", "United States"), "DE": ("DEU", "Germany")}


def make_countries() -> None:
    """The countries that shoppers here live in, where the shop does not know them yet."""
    Country = _model("address.Country")
    for code, (code_3, name) in COUNTRIES.items():
        Country.objects.get_or_create(
            iso_3166_1_a2=code,
            defaults={"iso_3166_1_a3": code_3, "printable_name": name, "name": name, "is_shipping_country": True},
        )


def make_user(email: str = "ada@example.com") -> Any:
    """A customer with an account; the password is "secret"."""
    User: Any = get_user_model()
    names = {User.USERNAME_FIELD: email, User.get_email_field_name(): email}
    return User.objects.create_user(**names, password="secret")  # noqa: S106  # a test's


def make_product(
    title: str = "Enamel mug",
    price: str = "9.99",
    *,
    currency: str = "",
    stock: int | None = 50,
    shipped: bool = True,
) -> Any:
    """A product with one stock record. `price` in major units; `currency` "": one that ND8 takes, the shop's if it can.

    `stock` None: not tracked. `shipped` False: a digital product, which needs no address.
    """
    product_class, _created = _model("catalogue.ProductClass").objects.get_or_create(
        name=f"{'Shipped' if shipped else 'Digital'} {'tracked' if stock is not None else 'untracked'}",
        defaults={"requires_shipping": shipped, "track_stock": stock is not None},
    )
    product = _model("catalogue.Product").objects.create(title=title, product_class=product_class)
    partner, _created = _model("partner.Partner").objects.get_or_create(name="Warehouse")
    product.stockrecords.create(
        partner=partner,
        partner_sku=f"sku-{product.pk}",
        price=Decimal(price),
        price_currency=currency or _usual_currency(),
        num_in_stock=stock,
        num_allocated=None if stock is None else 0,
    )
    return product


def make_session(
    nd8: ND8, outcome: str = "", *, shopper: Shopper | None = None, product: Any = None, quantity: int = 1
) -> "PaymentSession":
    """A payment session that came about as any other: through the shop's checkout, ND8 and the webhook.

    `outcome` "" leaves it waiting for payment; otherwise that is what the shopper did on the hosted page, and
    the shop has been told. Without a `shopper` somebody with a new account buys; without a `product`, a mug.
    """
    make_countries()
    if shopper is None:
        shopper = Shopper(user=make_user(f"{uuid4()}@example.com"))
    session = shopper.begin_payment(make_product() if product is None else product, quantity)
    if outcome:
        told = len(nd8.state["deliveries"])
        nd8.outcome(session, outcome)
        for index in range(told, len(nd8.state["deliveries"])):
            nd8.deliver(index=index)
        session.refresh_from_db()
    return session


def _model(name: str) -> Any:
    return apps.get_model(name)


def _usual_currency() -> str:
    taken: tuple[str, ...] = get_settings().CURRENCIES
    usual: str = settings.OSCAR_DEFAULT_CURRENCY
    return usual if usual in taken else taken[0]
