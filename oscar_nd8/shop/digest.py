"""The mail that tells staff what needs them: all of it in one, with what it means for the money and where to decide."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.contrib.sites.models import Site
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import ngettext

from oscar_nd8.models import Attention
from oscar_nd8.shop.addresses import absolute, dashboard_page, matter_page
from oscar_nd8.shop.worklist import explanation_of

__all__ = ["send_digest"]


def send_digest(matters: Sequence[Attention], *, others: int, to: Sequence[str]) -> None:
    """One mail about `matters`, in the shop's own language; `others` is how many more are open and were told before."""
    with translation.override(settings.LANGUAGE_CODE):
        site = Site.objects.filter(pk=getattr(settings, "SITE_ID", 0)).first() or Site.objects.first()
        domain = site.domain if site else ""
        context: dict[str, Any] = {
            "site_name": site.name if site else "",
            "matters": [
                {"row": each, "explanation": explanation_of(each), "url": _url(domain, matter_page(each.pk))}
                for each in matters
            ],
            "others": others,
            "list_url": _url(domain, dashboard_page("nd8-matters")),
        }
        subject = ngettext(
            "%(site)s: %(count)s payment matter needs attention",
            "%(site)s: %(count)s payment matters need attention",
            len(matters),
        ) % {"site": context["site_name"] or "ND8", "count": len(matters)}
        mail = EmailMultiAlternatives(
            subject=" ".join(subject.split()),
            body=render_to_string("oscar_nd8/mail/staff.txt", context),
            # The sender of the shop's other mails, as Oscar reads it.
            from_email=getattr(settings, "OSCAR_FROM_EMAIL", None) or settings.DEFAULT_FROM_EMAIL,
            to=list(to),
        )
        mail.attach_alternative(render_to_string("oscar_nd8/mail/staff.html", context), "text/html")
        mail.send()


def _url(domain: str, path: str) -> str:
    return absolute(domain, path) if domain and path else ""
