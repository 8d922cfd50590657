"""The payments section of Oscar's dashboard: its addresses, who may open them, its entry in the menu."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings
from django.core.checks import register
from django.urls import NoReverseMatch, path, reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from oscar.core.application import OscarDashboardConfig

from oscar_nd8.dashboard.checks import check_mounted
from oscar_nd8.shop.staff import (
    MAY_DECIDE,
    MAY_MANAGE_ACCOUNT,
    MAY_REFUND,
    MAY_VIEW_PAYMENTS,
    VIEW_PAYMENTS,
    may_manage_account,
    may_view_payments,
)

__all__ = ["LIST_URL", "Nd8DashboardConfig"]

LIST_URL = "nd8-dashboard:nd8-payments"
MATTERS_URL = "nd8-dashboard:nd8-matters"
REFUNDS_URL = "nd8-dashboard:nd8-refunds"
ACCOUNT_URL = "nd8-dashboard:nd8-account"
ACCOUNT_PAGES = ("nd8-account", "nd8-account-test", "nd8-account-test-state", "nd8-account-change")
DECISIONS = ("nd8-matter-place", "nd8-matter-dismiss", "nd8-ask", "nd8-event-process")


class Nd8DashboardConfig(OscarDashboardConfig):
    """`"oscar_nd8.dashboard"` in INSTALLED_APPS; mounted by `include("oscar_nd8.dashboard.urls")`."""

    name = "oscar_nd8.dashboard"
    label = "nd8_dashboard"
    verbose_name = _("ND8 payments dashboard")
    namespace = "nd8-dashboard"
    # Without it Django hesitates between this class and Oscar's, and takes the label "dashboard".
    default = True

    default_permissions = MAY_VIEW_PAYMENTS  # type: ignore[assignment]  # the stubs forget Oscar's tuple of lists
    permissions_map = {
        # These pages show the payment, and lead to others that do.
        **{name: [*MAY_DECIDE, VIEW_PAYMENTS] for name in DECISIONS},
        "nd8-refund": [*MAY_REFUND, VIEW_PAYMENTS],
        **dict.fromkeys(ACCOUNT_PAGES, MAY_MANAGE_ACCOUNT),
    }

    def ready(self) -> None:
        """Our entry in the dashboard's menu, unless the shop put one where it likes it, and our check."""
        if not _has_entry(settings.OSCAR_DASHBOARD_NAVIGATION):
            entry = {
                "label": _("Payments"),
                "icon": "fas fa-credit-card",
                "children": [
                    {"label": _("All payments"), "url_name": LIST_URL, "access_fn": is_in_menu},
                    {"label": _("Needs attention"), "url_name": MATTERS_URL, "access_fn": is_in_menu},
                    {"label": _("Refunds"), "url_name": REFUNDS_URL, "access_fn": is_in_menu},
                    {"label": _("ND8 account"), "url_name": ACCOUNT_URL, "access_fn": is_in_menu},
                ],
            }
            settings.OSCAR_DASHBOARD_NAVIGATION = [*settings.OSCAR_DASHBOARD_NAVIGATION, entry]
        register(check_mounted)

    def get_urls(self) -> list[Any]:
        """Payments, matters and refunds: lists, one of each, and what staff can do about them."""
        from oscar_nd8.dashboard import account, matters, refunds, views

        urls = [
            path("", views.list_payments, name="nd8-payments"),
            path("export/", views.export_payments, name="nd8-payments-export"),
            path("<int:pk>/", views.show_payment, name="nd8-payment"),
            path("<int:pk>/ask/", views.ask_nd8, name="nd8-ask"),
            path("events/<int:pk>/process/", matters.process_event_again, name="nd8-event-process"),
            path("attention/", matters.list_matters, name="nd8-matters"),
            path("attention/<int:pk>/", matters.show_matter, name="nd8-matter"),
            path("attention/<int:pk>/place/", matters.place, name="nd8-matter-place"),
            path("attention/<int:pk>/dismiss/", matters.dismiss, name="nd8-matter-dismiss"),
            path("<int:pk>/refund/", refunds.refund, name="nd8-refund"),
            path("refunds/", refunds.list_refunds, name="nd8-refunds"),
            path("refunds/export/", refunds.export_refunds, name="nd8-refunds-export"),
            path("refunds/<int:pk>/", refunds.show_refund, name="nd8-refund-detail"),
            path("account/", account.show, name="nd8-account"),
            path("account/test/", account.watch_test, name="nd8-account-test"),
            path("account/test/state/", account.test_state, name="nd8-account-test-state"),
            path("account/<slug:change>/", account.change, name="nd8-account-change"),
            path("refunds/<int:pk>/state/", refunds.tell_state, name="nd8-refund-state"),
        ]
        return list(self.post_process_urls(urls))

    def get_url_decorator(self, pattern: Any) -> Any:
        """Oscar's permissions, and no cache that keeps names, e-mails or secrets: on every page, without exception."""
        permitted = super().get_url_decorator(pattern)
        return lambda view: never_cache(permitted(view))


def is_in_menu(user: Any, url_name: str, url_args: Any = None, url_kwargs: Any = None) -> bool:
    """Whether `user` is shown the entry. Oscar's own rule raises on every page where our URLs are not mounted."""
    try:
        reverse(url_name, args=url_args, kwargs=url_kwargs)
    except NoReverseMatch:
        return False
    return may_manage_account(user) if url_name == ACCOUNT_URL else may_view_payments(user)


def _has_entry(entries: Iterable[Mapping[str, Any]]) -> bool:
    return any(entry.get("url_name") == LIST_URL or _has_entry(entry.get("children", ())) for entry in entries)
