"""The menu in Wagtail's admin, and the pages that it opens."""

from django.utils.translation import gettext_lazy as _
from wagtail.admin.viewsets.base import ViewSetGroup

from oscar_nd8.cms.links import LinkViewSet
from oscar_nd8.cms.matters import MatterViewSet
from oscar_nd8.cms.payments import PaymentViewSet
from oscar_nd8.cms.refunds import RefundViewSet

__all__ = ["PaymentsGroup"]


class PaymentsGroup(ViewSetGroup):
    """The menu; each entry is shown to those who can open it, and the menu to those who find an entry."""

    menu_label = _("Payments")
    menu_icon = "nd8-payments"
    menu_order = 350
    items = (PaymentViewSet, RefundViewSet, MatterViewSet, LinkViewSet)
