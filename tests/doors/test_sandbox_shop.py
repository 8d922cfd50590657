"""The sandbox shop itself: what it is filled with, its start page, and its two currencies."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import haystack
import pytest
from django.apps import apps
from django.contrib.auth import authenticate
from django.core.management import call_command
from django.test import Client
from oscar.apps.basket.models import Basket
from oscar.apps.catalogue.models import Product

from oscar_nd8.testing import Shopper, make_product
from sandbox_site.forks.partner.models import StockRecord
from sandbox_site.forks.partner.strategy import Selector
from sandbox_site.seed.goods import PRODUCTS


@pytest.fixture
def filled(db: None, tmp_path: Path) -> Iterator[None]:
    """The shop as `make demo` fills it, with a search index of its own."""
    connections = haystack.connections
    usual = connections.connections_info["default"]
    connections.connections_info["default"] = {
        "ENGINE": "haystack.backends.whoosh_backend.WhooshEngine",
        "PATH": str(tmp_path / "whoosh"),
    }
    connections.reload("default")
    call_command("seed_sandbox", verbosity=0)
    yield
    connections.connections_info["default"] = usual
    connections.reload("default")


@pytest.fixture
def mug(db: None) -> Any:
    """10.00 USD or 9.00 EUR."""
    mug = make_product("Enamel mug", "10.00")
    record = mug.stockrecords.get()
    mug.stockrecords.create(
        partner=record.partner, partner_sku="mug-eur", price=Decimal("9.00"), price_currency="EUR", num_in_stock=50
    )
    return mug


def choose(shopper: Shopper, currency: str, **headers: str) -> Any:
    return shopper.client.post("/currency/", {"currency": currency}, headers=headers)


def total(shopper: Shopper) -> tuple[str, Decimal]:
    basket = shopper.basket
    return basket.currency, basket.total_incl_tax


def test_filling_the_shop_twice_changes_nothing(filled: None) -> None:
    def rows() -> dict[str, int]:
        return {model.__name__: model._default_manager.count() for model in apps.get_models() if model._meta.managed}

    before = rows()
    StockRecord.objects.filter(partner_sku="PP-PRINT-USD").update(num_in_stock=1)

    call_command("seed_sandbox", verbosity=0)

    assert rows() == before
    assert StockRecord.objects.get(partner_sku="PP-PRINT-USD").num_in_stock == 1


def test_the_catalogue_lists_everything_that_was_filled_in(filled: None) -> None:
    page = Client().get("/catalogue/")
    assert page.context["paginator"].count == len(PRODUCTS)


def test_the_choice_of_a_language_has_a_label(filled: None) -> None:
    text = " ".join(Client().get("/").content.decode().split())
    assert '<label class="sr-only" for="id_language">Language</label>' in text
    assert '<select name="language" id="id_language"' in text


def test_the_start_page_is_wagtails_and_shows_products(filled: None) -> None:
    page = Client().get("/")
    assert page.status_code == 200
    assert page.templates[0].name == "home/home_page.html"
    assert "shopper@example.com" in page.content.decode()
    assert "/media/" in page.content.decode()
    assert Client().get("/cms/delivery/").status_code == 200


def test_both_logins_work_by_e_mail_address(filled: None) -> None:
    for email in ("staff@example.com", "shopper@example.com"):
        assert authenticate(username=email, password="sandbox")


def test_vouchers_apply_to_what_is_already_reduced(filled: None) -> None:
    shopper = Shopper()
    shopper.add(Product.objects.get(upc="PP-NOTEBOOK")).add_voucher("WELCOME10").add_voucher("FIVEOFF")
    # 12.90, 10% off paper, 10% off everything; too little for FIVEOFF.
    assert [discount["name"] for discount in shopper.basket.offer_applications] == [
        "10% off paper",
        "10% off everything",
    ]
    assert shopper.basket.total_incl_tax < Decimal("12.90") - Decimal("1.29")


def test_a_chosen_currency_prices_the_catalogue_and_the_basket(mug: Any) -> None:
    shopper = Shopper()
    choose(shopper, "EUR")
    shopper.add(mug)
    assert total(shopper) == ("EUR", Decimal("9.00"))


def test_the_currency_of_a_filled_basket_stays(mug: Any) -> None:
    shopper = Shopper().add(mug)
    choose(shopper, "EUR")
    assert "empty your cart" in shopper.client.get("/basket/").content.decode()
    assert total(shopper) == ("USD", Decimal("10.00"))
    shopper.add(mug)
    assert total(shopper) == ("USD", Decimal("20.00"))


@pytest.mark.parametrize("currency", ["GBP", "", "usd", "EUR\n"])
def test_a_currency_that_is_not_offered_is_refused(db: None, currency: str) -> None:
    shopper = Shopper()
    assert choose(shopper, currency).status_code == 400
    assert "currency" not in shopper.client.session


def test_choosing_a_currency_leads_back_into_this_shop_only(db: None) -> None:
    assert choose(Shopper(), "EUR", referer="http://testserver/offers/").url == "http://testserver/offers/"
    assert choose(Shopper(), "EUR", referer="https://elsewhere.example/").url == "/"
    assert Client().get("/currency/").status_code == 405


def test_a_job_without_a_request_finds_the_currency_of_the_basket(mug: Any) -> None:
    shopper = Shopper()
    choose(shopper, "EUR")
    shopper.add(mug)

    basket = Basket.objects.get()
    basket.strategy = Selector().strategy()

    assert (basket.currency, basket.total_incl_tax) == ("EUR", Decimal("9.00"))


def test_baskets_in_two_currencies_merge_into_one_at_login(mug: Any, user: Any) -> None:
    Shopper(user=user).add(mug)
    guest = Shopper()
    choose(guest, "EUR")
    guest.add(mug, quantity=2)

    guest.client.force_login(user)

    assert total(guest) == ("USD", Decimal("30.00"))
