"""What editors may choose for a site: how paying is named in its checkout. Keys and secrets stay in settings.ND8."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _
from wagtail.admin.panels import FieldPanel, HelpPanel, Panel
from wagtail.contrib.settings.models import BaseSiteSetting, register_setting

__all__ = ["PaymentDisplay"]


@register_setting(icon="nd8-payments")
class PaymentDisplay(BaseSiteSetting):
    """The checkout's words for one site; what is left empty is said in the plugin's own, translated words."""

    title = models.CharField(
        _("name of the method"),
        max_length=80,
        blank=True,
        help_text=_("On the payment step and the preview. Empty: “Card or other online payment”."),
    )
    description = models.CharField(
        _("sentence below it"),
        max_length=250,
        blank=True,
        help_text=_("Say where shoppers are led. Empty: “You pay on the secure page of ND8, our payment provider …”."),
    )
    button = models.CharField(
        _("words on the button"),
        max_length=40,
        blank=True,
        help_text=_("It leads to ND8's page and charges nobody yet. Empty: “Pay now”."),
    )

    panels: ClassVar[list[Panel]] = [
        HelpPanel(
            content=_(
                "Every language of the site shows the same words. Fields that are left empty are shown in the "
                "shopper's language."
            )
        ),
        FieldPanel("title"),
        FieldPanel("description"),
        FieldPanel("button"),
    ]

    class Meta:
        verbose_name = _("payment in the checkout")
        verbose_name_plural = _("payment in the checkout")

    def __str__(self) -> str:
        return f"{self.title or _('our own words')} ({self.site})"
