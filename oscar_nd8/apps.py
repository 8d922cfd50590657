"""The app that goes into INSTALLED_APPS."""

import sys

from django.utils.translation import gettext_lazy as _
from oscar.core.application import OscarConfig


class Nd8Config(OscarConfig):
    """oscar_nd8; put it before Oscar's apps, so that its templates are found first."""

    name = "oscar_nd8"
    label = "oscar_nd8"
    verbose_name = _("ND8 payments")
    namespace = "nd8"
    default = True
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from oscar_nd8 import checks, conf

        # Typos in settings.ND8 stop the process here, not the first shopper; the doctor alone goes on, to name them.
        if sys.argv[1:2] != ["nd8_doctor"]:
            conf.get_settings()
        checks.register_all()
