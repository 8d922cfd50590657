"""What Wagtail's admin finds of ours: the menu, the permissions, the panel on its home page, the icon.

Wagtail reads this at every start, also of a process that never shows a page; so the pages and all that they stand on
are imported where Wagtail asks for them.
"""

from typing import Any

from django.contrib.auth.models import Permission
from django.db.models import QuerySet
from django.http import HttpRequest
from wagtail import hooks
from wagtail.admin.viewsets.base import ViewSet, ViewSetGroup

from oscar_nd8.cms.permissions import may_view, ours


@hooks.register("register_admin_viewset")
def payments_group() -> ViewSetGroup:
    """The menu and its pages."""
    from oscar_nd8.cms.menu import PaymentsGroup

    return PaymentsGroup()


@hooks.register("register_admin_viewset")
def choosers() -> list[ViewSet]:
    """For the blocks."""
    from oscar_nd8.cms.choosers import link_chooser, product_chooser

    return [product_chooser, link_chooser]


@hooks.register("register_permissions")
def permissions() -> QuerySet[Permission]:
    """What a group can be given."""
    return ours()


@hooks.register("construct_homepage_panels")
def add_panel(request: HttpRequest, panels: list[Any]) -> None:
    """For those who may view payments."""
    if may_view(request.user):
        from oscar_nd8.cms.home import PaymentsPanel

        panels.append(PaymentsPanel())


@hooks.register("register_icons")
def icons(known: list[str]) -> list[str]:
    """For the menu and its pages."""
    return [*known, *(f"oscar_nd8/cms/icons/{name}.svg" for name in ("payments", "refunds"))]
