"""The checkout's words, taken from the Wagtail site that serves the page."""

from django.http import HttpRequest
from wagtail.models import Site

from oscar_nd8.cms.models import PaymentDisplay
from oscar_nd8.wording import Wording

__all__ = ["words_of_site"]


def words_of_site(request: HttpRequest) -> Wording:
    """What the site's editors wrote; nothing for a site without settings. One query, or two where the site is new."""
    site = Site.find_for_request(request)
    # Not `for_request`, which writes a row: no shopper's page should.
    given = PaymentDisplay.objects.filter(site=site).first() if site else None
    return Wording(given.title, given.description, given.button) if given else Wording()
