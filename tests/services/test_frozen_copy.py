"""The frozen copy of a basket: what the quote says, column by column, or nothing at all."""

from typing import Any, ClassVar

import pytest
from django.db import connection, connections, models, transaction
from django.utils import timezone
from oscar.core.loading import get_model

from oscar_nd8.exceptions import NotReusable
from oscar_nd8.models import PaymentSession
from oscar_nd8.services.open_checkout import open_checkout
from oscar_nd8.shop.frozen_copy import copy_frozen
from oscar_nd8.testing import ND8
from tests.baskets import Goods, Recipe, Shop
from tests.services.test_baskets import RETURNS

pytestmark = pytest.mark.django_db

Basket, Line = get_model("basket", "Basket"), get_model("basket", "Line")
LineAttribute = get_model("basket", "LineAttribute")


@pytest.fixture
def shop(countries: None) -> Shop:
    """Two kinds of goods, engraved."""
    mug, towel = Goods("9.99", 3, "Enamel mug", engraving="Ada"), Goods("5.37", 2, "Tea towel", engraving="Bo")
    return Shop(Recipe((mug, towel)))


def stored(basket_id: int) -> list[Any]:
    """Every column of a basket's lines but those that name the line and the basket."""
    columns = [field.attname for field in Line._meta.concrete_fields if field.attname not in {"id", "basket_id"}]
    return list(Line.objects.filter(basket=basket_id).order_by("pk").values_list(*columns))


@pytest.fixture(params=["at once", "in turn", "at once, prepared"], autouse=True)
def database(request: Any, db: None, monkeypatch: Any) -> None:
    """Other databases know no INSERT in a WITH. And a shop may have its statements prepared."""
    if request.param == "in turn":
        monkeypatch.setattr(type(connections["default"]), "vendor", "another")
    if "prepared" in request.param:
        monkeypatch.setattr(connection.connection, "prepare_threshold", 0)


def test_a_copy_has_every_column_of_every_line_in_the_same_order_and_the_basket_stays_as_it_was(shop: Shop) -> None:
    basket_id = shop.fill()
    before, basket = stored(basket_id), Basket.objects.values().get(pk=basket_id)

    copy = copy_frozen(shop.quote(basket_id), source_id=basket_id)

    assert stored(copy.pk) == before == stored(basket_id)
    assert len(before) == 2
    assert Basket.objects.values().get(pk=basket_id) == basket
    assert basket["status"] == Basket.OPEN
    own = {"id": copy.pk, "status": Basket.FROZEN, "date_created": copy.date_created}
    assert Basket.objects.values().get(pk=copy.pk) == basket | own
    columns = {field.attname: getattr(copy, field.attname) for field in Basket._meta.concrete_fields}
    assert columns == basket | own
    # Shops tidy up baskets by their age.
    assert basket["date_created"] < copy.date_created <= timezone.now()


def test_a_copy_was_neither_submitted_nor_merged(shop: Shop) -> None:
    basket_id = shop.fill()
    quote = shop.quote(basket_id)
    Basket.objects.filter(pk=basket_id).update(date_submitted=timezone.now(), date_merged=timezone.now())

    copy = copy_frozen(quote, source_id=basket_id)

    assert (copy.date_submitted, copy.date_merged) == (None, None)
    copy.refresh_from_db()
    assert (copy.date_submitted, copy.date_merged) == (None, None)


def test_each_option_is_copied_to_the_copy_of_its_own_line(shop: Shop) -> None:
    basket_id = shop.fill()

    copy = copy_frozen(shop.quote(basket_id), source_id=basket_id)

    copied = LineAttribute.objects.filter(line__basket=copy).order_by("pk")
    assert list(copied.values_list("line__product__title", "option__code", "value")) == [
        ("Enamel mug", "engraving", "Ada"),
        ("Tea towel", "engraving", "Bo"),
    ]
    assert LineAttribute.objects.filter(line__basket=basket_id).count() == 2


@pytest.mark.parametrize("change", ["more of it", "taken out", "something else", "gone"])
def test_a_basket_that_another_tab_changed_is_not_paid_for(shop: Shop, nd8: ND8, change: str) -> None:
    basket_id = shop.fill()
    quote = shop.quote(basket_id)
    line = Line.objects.filter(basket=basket_id).earliest("pk")
    if change == "more of it":
        Line.objects.filter(pk=line.pk).update(quantity=4)
    elif change == "taken out":
        line.delete()
    elif change == "something else":
        Line.objects.filter(pk=line.pk).update(line_reference="another")
    else:
        Basket.objects.filter(pk=basket_id).delete()

    with pytest.raises(NotReusable, match="Your basket changed a moment ago"):
        open_checkout(quote, source_basket_id=basket_id, returns=lambda _session: RETURNS)

    assert nd8.calls("createPayment") == 0
    assert not PaymentSession.objects.exists()
    assert not Basket.objects.filter(status=Basket.FROZEN).exists()


def test_what_a_forks_manager_leaves_out_is_not_copied_and_not_paid_for(shop: Shop, monkeypatch: Any) -> None:
    class OnlySome(models.Manager[Any]):
        those: ClassVar[dict[str, Any]] = {}

        def get_queryset(self) -> Any:
            return super().get_queryset().filter(**self.those)

    basket_id = shop.fill()
    quote = shop.quote(basket_id)
    manager = OnlySome()
    manager.model = Line
    monkeypatch.setattr(Line, "objects", manager)

    copy = copy_frozen(quote, source_id=basket_id)
    assert stored(copy.pk) == stored(basket_id)
    assert len(stored(copy.pk)) == 2
    # It is asked each time, whether its condition brings a value or none.
    for those in ({"price_excl_tax__gte": 6}, {"product__is_public": False}):
        monkeypatch.setattr(OnlySome, "those", those)
        with pytest.raises(NotReusable, match="Your basket changed a moment ago"), transaction.atomic():
            copy_frozen(quote, source_id=basket_id)
