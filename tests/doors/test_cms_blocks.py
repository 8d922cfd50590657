"""Blocks that sell on a page: what visitors see, what editors see, what the shop's prices are, what caches may keep."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client, RequestFactory
from django.utils import timezone
from oscar.core.loading import get_model
from wagtail.blocks import StreamBlock

from oscar_nd8.cms.blocks import PaymentLinkBlock, ProductBlock
from oscar_nd8.models import PaymentLink
from oscar_nd8.testing import ND8, make_product
from sandbox_site.home.models import HomePage, LandingPage
from sandbox_site.seed.pages import seed_pages
from tests.linking import make_link
from tests.staff import browser_of

pytestmark = pytest.mark.django_db

PAGE = "/cms/sale/"


@pytest.fixture
def home() -> Any:
    """Where landing pages hang."""
    seed_pages()
    return HomePage.objects.get()


def publish(home: Any, *body: tuple[str, Any]) -> Any:
    """A landing page with these blocks."""
    return home.add_child(instance=LandingPage(title="Sale", slug="sale", body=list(body)))


def page() -> str:
    """What a visitor gets."""
    response = Client().get(PAGE)
    assert response.status_code == 200
    content: str = response.content.decode()
    return content[content.index('class="sandbox-landing"') :]


def preview(block: str, value: dict[str, Any]) -> str:
    """What an editor sees while writing."""
    request: Any = RequestFactory().get("/")
    request.is_preview = True
    stream = StreamBlock([("payment_link", PaymentLinkBlock()), ("product", ProductBlock())])
    bound = stream.to_python([{"type": block, "value": value}])
    return str(bound[0].render(context={"request": request}))


def test_a_product_is_shown_with_price_and_a_button_that_works_without_javascript(home: Any, mug: Any) -> None:
    publish(home, ("product", {"product": mug, "action": "buy"}))

    shown = page()

    assert "Enamel mug" in shown
    assert "$9.99" in shown
    assert f'action="/basket/add/{mug.pk}/"' in shown
    assert 'name="csrfmiddlewaretoken"' in shown
    assert "<script" not in shown[: shown.index("</section>")]


def test_buy_now_leads_to_the_checkout_with_the_product_in_the_basket(home: Any, mug: Any, nd8: ND8) -> None:
    publish(home, ("product", {"product": mug, "action": "buy"}))
    browser = Client(enforce_csrf_checks=True)
    shown = browser.get(PAGE).content.decode()
    token = shown.split('name="csrfmiddlewaretoken" value="')[-1].split('"')[0]
    fields = {"quantity": 1, "next": "/checkout/"}

    assert browser.post(f"/basket/add/{mug.pk}/", fields).status_code == 403
    answer = browser.post(f"/basket/add/{mug.pk}/", {**fields, "csrfmiddlewaretoken": token})

    assert answer.headers["Location"] == "/checkout/"
    assert "Enamel mug" in browser.get("/basket/").content.decode()


def test_into_the_basket_stays_in_the_shop_and_to_the_page_needs_no_token(home: Any, mug: Any) -> None:
    publish(home, ("product", {"product": mug, "action": "basket"}), ("product", {"product": mug, "action": "page"}))

    basket, to_page = page().split("</section>")[:2]

    assert 'name="next"' not in basket
    assert "Add to cart" in basket
    assert "csrfmiddlewaretoken" not in to_page
    assert f'href="{mug.get_absolute_url()}"' in to_page


def test_the_price_is_that_of_whoever_looks(home: Any, mug: Any) -> None:
    Record = get_model("partner", "StockRecord")
    record = mug.stockrecords.get()
    Record.objects.create(
        product=mug, partner=record.partner, partner_sku="MUG-EUR", price="8.88", price_currency="EUR", num_in_stock=5
    )
    publish(home, ("product", {"product": mug, "action": "page"}))
    european = Client()
    european.post("/currency/", {"currency": "EUR", "next": "/"})

    assert "$9.99" in page()
    assert "€8.88" in european.get(PAGE).content.decode()


def test_a_body_rendered_without_its_page_has_no_form_that_would_fail(home: Any, mug: Any) -> None:
    publish(home, ("product", {"product": mug, "action": "buy"}))
    shown = str(LandingPage.objects.get(slug="sale").body)

    assert "<form" not in shown
    assert "$9.99" in shown
    assert f'href="{mug.get_absolute_url()}"' in shown


def test_what_cannot_be_bought_has_no_button_that_buys(home: Any, mug: Any) -> None:
    mug.stockrecords.update(num_in_stock=0)
    publish(home, ("product", {"product": mug, "action": "buy"}))

    shown = page()

    assert "<form" not in shown.split("</section>")[0]
    assert "More about it" in shown


def test_a_product_that_is_gone_or_hidden_is_nothing_to_visitors_and_a_kind_note_to_editors(
    home: Any, mug: Any
) -> None:
    hidden = make_product("Secret mug", "1.00")
    publish(home, ("product", {"product": mug, "action": "buy"}), ("product", {"product": hidden, "action": "buy"}))
    get_model("catalogue", "Product").objects.filter(pk=hidden.pk).update(is_public=False)
    gone = mug.pk
    get_model("catalogue", "Product").objects.filter(pk=gone).delete()

    shown = page()

    assert "nd8-offer" not in shown
    assert "Secret mug" not in shown
    for missing in (gone, hidden.pk):
        assert "Visitors see nothing here" in preview("product", {"product": missing, "action": "buy"})


def test_a_link_is_shown_with_name_lines_price_and_the_way_to_pay_without_asking_nd8(home: Any, nd8: ND8) -> None:
    link = make_link(expires_at=timezone.now() + timedelta(days=2))
    publish(home, ("payment_link", {"link": link, "button": ""}))
    nd8.control("faults", operation="getPublicPaymentLink", kind="500", times=50)

    shown = page()

    assert "Christmas market" in shown
    assert "Enamel mug" in shown
    assert "$25.00" in shown
    assert f'href="/nd8/link/{link.link_id}/"' in shown
    assert ">Buy</a>" in shown
    assert "<form" not in shown.split("</section>")[0]


def test_a_link_has_the_words_of_its_block_on_the_button(home: Any, nd8: ND8) -> None:
    publish(home, ("payment_link", {"link": make_link(), "button": "Get <yours>"}))
    assert "Get &lt;yours&gt;" in page()


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ({"is_active": False}, "Switched off"),
        ({"expires_at": timezone.now() - timedelta(days=1)}, "Expired"),
        ({"max_uses": 1, "uses": 1}, "Used up"),
    ],
)
def test_a_link_that_is_not_on_sale_says_so_kindly_and_offers_no_button(
    home: Any, nd8: ND8, facts: dict[str, Any], state: str
) -> None:
    link = make_link()
    publish(home, ("payment_link", {"link": link, "button": ""}))
    PaymentLink.objects.filter(pk=link.pk).update(**facts)

    shown = page()

    assert "This is not on sale at the moment." in shown
    assert state not in shown
    assert "nd8-offer__button" not in shown
    assert state in preview("payment_link", {"link": link.pk, "button": ""})


def test_a_deleted_link_is_nothing_to_visitors_and_a_kind_note_to_editors(home: Any, nd8: ND8) -> None:
    link = make_link()
    publish(home, ("payment_link", {"link": link, "button": ""}))
    PaymentLink.objects.filter(pk=link.pk).update(deleted_at=timezone.now())

    assert "nd8-offer" not in page()
    assert "Visitors see nothing here" in preview("payment_link", {"link": link.pk, "button": ""})
    assert "Visitors see nothing here" in preview("payment_link", {"link": link.pk + 1, "button": ""})


@pytest.mark.parametrize("staff", [False, True])
def test_no_note_for_editors_hangs_on_who_is_signed_in(home: Any, nd8: ND8, staff: bool) -> None:
    link = make_link()
    publish(home, ("payment_link", {"link": link, "button": ""}))
    PaymentLink.objects.filter(pk=link.pk).update(deleted_at=timezone.now())
    client = browser_of("boss", staff=staff, superuser=staff)
    assert "Visitors see nothing here" not in client.get(PAGE).content.decode()


def test_the_picker_previews_both_blocks_with_the_shops_own_goods(home: Any, mug: Any, nd8: ND8) -> None:
    make_link()
    boss = browser_of("boss", staff=True, superuser=True)
    body = LandingPage._meta.get_field("body").stream_block
    for name, words in {"product": "Enamel mug", "payment_link": "Christmas market"}.items():
        block = body.child_blocks[name]
        assert block.is_previewable
        response = boss.get("/cms-admin/block-preview/", {"id": block.definition_prefix})
        assert response.status_code == 200
        assert words in response.content.decode()
        assert "oscar_nd8/blocks.css" in response.content.decode()


def test_the_picker_previews_something_in_an_empty_shop(home: Any) -> None:
    for block in (ProductBlock(), PaymentLinkBlock()):
        assert block.render(block.get_preview_value(), context={}) is not None


def test_choosers_find_by_words_and_offer_only_what_can_be_shown(home: Any, mug: Any, nd8: ND8) -> None:
    make_product("Wall clock", "20.00")
    get_model("catalogue", "Product").objects.filter(pk=make_product("Secret", "1.00").pk).update(is_public=False)
    link, gone = make_link(), make_link(name="Gone market")
    PaymentLink.objects.filter(pk=gone.pk).update(deleted_at=timezone.now())
    editor = browser_of("eda", "wagtailadmin.access_admin")
    base = "/cms-admin/payments"

    products = editor.get(f"{base}/choose-product/").content.decode()
    found = editor.get(f"{base}/choose-product/results/?q=clock").content.decode()
    links = editor.get(f"{base}/choose-link/").content.decode()
    none = editor.get(f"{base}/choose-link/results/?q=summer").content.decode()
    chosen = editor.get(f"{base}/choose-link/chosen/{link.pk}/").json()

    assert "Enamel mug" in products
    assert "Wall clock" in products
    assert "Secret" not in products
    assert "Wall clock" in found
    assert "Enamel mug" not in found
    assert "Christmas market" in links
    assert "Gone market" not in links
    assert "Christmas market" not in none
    assert chosen["result"]["title"] == "Christmas market"
    assert Client().get(f"{base}/choose-link/").status_code == 302
