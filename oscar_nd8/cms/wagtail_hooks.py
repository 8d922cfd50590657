"""What Wagtail's admin finds of ours: the menu, the permissions, the panel on its home page, the icon."""

from typing import Any

from django.contrib.auth.models import Permission
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from wagtail import hooks
from wagtail.admin.viewsets.base import ViewSet, ViewSetGroup

from oscar_nd8.cms.choosers import link_chooser, product_chooser
from oscar_nd8.cms.home import PaymentsPanel
from oscar_nd8.cms.links import LinkViewSet
from oscar_nd8.cms.matters import MatterViewSet
from oscar_nd8.cms.payments import PaymentViewSet
from oscar_nd8.cms.permissions import may_view, ours
from oscar_nd8.cms.refunds import RefundViewSet

__all__ = ["PaymentsGroup"]


class PaymentsGroup(ViewSetGroup):
    """The menu; each entry is shown to those who can open it, and the menu to those who find an entry."""

    menu_label = _("Payments")
    menu_icon = "nd8-payments"
    menu_order = 350
    items = (PaymentViewSet, RefundViewSet, MatterViewSet, LinkViewSet)


@hooks.register("register_admin_viewset")
def payments_group() -> ViewSetGroup:
    """The menu and its pages."""
    return PaymentsGroup()


@hooks.register("register_admin_viewset")
def choosers() -> list[ViewSet]:
    """For the blocks."""
    return [product_chooser, link_chooser]


@hooks.register("register_permissions")
def permissions() -> QuerySet[Permission]:
    """What a group can be given."""
    return ours()


@hooks.register("construct_homepage_panels")
def add_panel(request: HttpRequest, panels: list[Any]) -> None:
    """For those who may view payments."""
    if may_view(request.user):
        panels.append(PaymentsPanel())


@hooks.register("register_icons")
def icons(known: list[str]) -> list[str]:
    """For the menu and its pages."""
    return [*known, *(f"oscar_nd8/cms/icons/{name}.svg" for name in ("payments", "refunds"))]
