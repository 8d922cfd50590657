"""The shop's two site records, which must agree with its address, and its Wagtail pages."""

from django.conf import settings
from django.contrib.sites.models import Site as MailSite
from wagtail.models import Locale, Page, Site

from sandbox_site.home.models import HomePage, TextPage

INTRODUCTION = """
<ol>
<li>Buy something as a guest: put it in the <a href="/basket/">cart</a> and
<a href="/checkout/">check out</a> with any e-mail address.</li>
<li>Or <a href="/accounts/login/">log in</a> as <b>shopper@example.com</b>, password <b>sandbox</b>,
whose address is known; the vouchers are WELCOME10, FIVEOFF and ONCE.</li>
<li>Then <a href="/dashboard/login/">log in</a> as <b>staff@example.com</b>, password <b>sandbox</b>,
and look at the <a href="/dashboard/payments/">payments</a> and <a href="/dashboard/orders/">orders</a>.</li>
</ol>
"""
DELIVERY = """
<p>Standard delivery takes three to five working days, express comes the next working day.
Downloads are not shipped. From 60.00, shipping costs 3.00 less.</p>
"""


def seed_pages() -> None:
    """Point both sites to this shop and make the pages that are missing."""
    MailSite.objects.update_or_create(
        pk=settings.SITE_ID,
        defaults={"domain": f"127.0.0.1:{settings.SHOP_PORT}", "name": settings.OSCAR_SHOP_NAME},
    )
    MailSite.objects.clear_cache()
    home = HomePage.objects.first() or _home()
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


def _home() -> HomePage:
    """A start page in the place of Wagtail's own, below a root that is missing where no migration was run."""
    Locale.objects.get_or_create(language_code=settings.LANGUAGE_CODE)
    root = Page.get_first_root_node() or Page.add_root(title="Root", slug="root")
    root.get_children().exact_type(Page).delete()
    root.refresh_from_db()
    home = HomePage(title="Welcome to Pine & Paper", slug="start", introduction=INTRODUCTION)
    root.add_child(instance=home)
    return home
