"""The shop's two site records, which must agree with its address, and its Wagtail pages."""

from django.conf import settings
from django.contrib.sites.models import Site as MailSite
from wagtail.models import Locale, Page, Site

from oscar_nd8.exceptions import DecisionRefused, ProviderError
from oscar_nd8.models import PaymentLink
from oscar_nd8.services.payment_links import create_link, look_at_link
from oscar_nd8.shop.storefront import public_products
from sandbox_site.home.models import HomePage, LandingPage, TextPage

INTRODUCTION = """
<ol>
<li>Buy something as a guest: put it in the <a href="/basket/">cart</a> and
<a href="/checkout/">check out</a> with any e-mail address.</li>
<li>Or <a href="/accounts/login/">log in</a> as <b>shopper@example.com</b>, password <b>sandbox</b>,
whose address is known; the vouchers are WELCOME10, FIVEOFF and ONCE.</li>
<li>Then <a href="/dashboard/login/">log in</a> as <b>staff@example.com</b>, password <b>sandbox</b>,
and look at the <a href="/dashboard/payments/">payments</a> and <a href="/dashboard/orders/">orders</a>,
also in <a href="/cms-admin/">Wagtail's admin</a>.</li>
<li>Or buy without a basket, by a payment link: <a href="/cms/christmas-market/">Christmas market</a>.</li>
</ol>
"""
DELIVERY = """
<p>Standard delivery takes three to five working days, express comes the next working day.
Downloads are not shipped. From 60.00, shipping costs 3.00 less.</p>
"""

LINK_NAME = "Two mugs for the first frost"
ACTIONS = ("buy", "basket", "page")


def seed_pages() -> None:
    """Point both sites to this shop and make the pages that are missing."""
    MailSite.objects.update_or_create(
        pk=settings.SITE_ID,
        defaults={"domain": f"127.0.0.1:{settings.SHOP_PORT}", "name": settings.OSCAR_SHOP_NAME},
    )
    MailSite.objects.clear_cache()
    home = HomePage.objects.first() or _home()
    if not LandingPage.objects.child_of(home).exists():
        home.add_child(instance=_landing_page())
    if not TextPage.objects.child_of(home).exists():
        home.add_child(instance=TextPage(title="Delivery", slug="delivery", body=DELIVERY, show_in_menus=True))
    Site.objects.update_or_create(
        is_default_site=True,
        defaults={
            "hostname": "127.0.0.1",
            "port": settings.SHOP_PORT,
            "site_name": settings.OSCAR_SHOP_NAME,
            "root_page": home,
        },
    )


def sell_by_link() -> None:
    """Put a payment link on the landing page. Needs ND8, and makes the link anew where ND8 has forgotten it."""
    page = LandingPage.objects.first()
    if page is None:
        return
    try:
        link = _link_on_sale() or create_link(name=LINK_NAME, products=[("prod_mug", 2)], currency="USD")
    except (DecisionRefused, ProviderError):
        return  # the page is there without it
    if any(block.block_type == "payment_link" and block.value["link"] == link for block in page.body):
        return
    rest = [(block.block_type, block.value) for block in page.body if block.block_type != "payment_link"]
    page.body = [rest[0], ("payment_link", {"link": link, "button": ""}), *rest[1:]]
    page.save_revision().publish()


def _link_on_sale() -> PaymentLink | None:
    """The newest of ours, if ND8 still has it: an emulator forgets everything when it ends."""
    link = PaymentLink.objects.filter(name=LINK_NAME, deleted_at=None).first()
    return link if link is not None and look_at_link(link).availability is PaymentLink.Availability.OPEN else None


def _landing_page() -> LandingPage:
    products = [product for product in public_products() if not product.is_parent and not product.has_options]
    return LandingPage(
        title="Christmas market",
        slug="christmas-market",
        introduction="<p>Two mugs by a payment link, without a basket; and some of the shop's products.</p>",
        body=[
            ("heading", "For the first frost"),
            *(
                ("product", {"product": product, "action": action})
                for product, action in zip(products, ACTIONS, strict=False)
            ),
        ],
        show_in_menus=True,
    )


def _home() -> HomePage:
    """A start page in the place of Wagtail's own, below a root that is missing where no migration was run."""
    Locale.objects.get_or_create(language_code=settings.LANGUAGE_CODE)
    root = Page.get_first_root_node() or Page.add_root(title="Root", slug="root")
    root.get_children().exact_type(Page).delete()
    root.refresh_from_db()
    home = HomePage(title="Welcome to Pine & Paper", slug="start", introduction=INTRODUCTION)
    root.add_child(instance=home)
    return home
