"""The Wagtail side of the plugin, for shops that have Wagtail."""

from django.apps import AppConfig
from django.core.checks import register
from django.utils.translation import gettext_lazy as _


class Nd8CmsConfig(AppConfig):
    """`"oscar_nd8.cms"` in INSTALLED_APPS, beside Wagtail's own apps."""

    name = "oscar_nd8.cms"
    label = "nd8_cms"
    verbose_name = _("ND8 payments in Wagtail")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """The checkout takes the words of the site's settings, and a missing app of Wagtail's is told."""
        from oscar_nd8.cms.checks import check_wagtail
        from oscar_nd8.cms.display import words_of_site
        from oscar_nd8.wording import take_words_from

        take_words_from(words_of_site)
        register(check_wagtail)
