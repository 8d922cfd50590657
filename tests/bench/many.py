"""A shop with a long past: staff's pages and the reconciler's due rows among many finished ones."""

import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import (
    CaptureQueriesContext,
    override_settings,
    setup_test_environment,
    teardown_test_environment,
)
from django.urls import reverse
from django.utils import timezone

from oscar_nd8.models import PaymentSession
from tests.bench.figures import Figure, Profile, at_most, milliseconds
from tests.bench.shop import refund_everything

NAME = "many"
LIST = "/dashboard/payments/"


def run(profile: Profile) -> Iterator[Figure]:
    """Due rows, the pages."""
    before, _ = _due()
    call_command("seed_many", sessions=profile.pick(100_000, 1_000_000), verbosity=0)
    refund_everything()
    rows = PaymentSession.objects.count()
    due, _ = _due()
    yield at_most(1, f"due rows among {rows:,}", due, unit="ms", detail=f"{before:.2f} ms in an empty shop")
    staff = Client()
    staff.force_login(get_user_model().objects.create_superuser("bench", "bench@example.com", "x"))
    pages = {
        "list": LIST,
        "list, held ones": f"{LIST}?status=held",
        "list, a day": f"{LIST}?date_from=2026-01-01&date_to=2026-01-02",
        "list, an e-mail": f"{LIST}?search=guest77@example.com",
        "list, a part of an e-mail": f"{LIST}?search=guest77",
        "detail": f"{LIST}{PaymentSession.objects.order_by('pk')[rows // 2].pk}/",
        "refunds": f"{LIST}refunds/",
        "refunds, an e-mail": f"{LIST}refunds/?search=guest50@example.com",
        "refunds, a part of an e-mail": f"{LIST}refunds/?search=guest50",
        "refunds, nobody's": f"{LIST}refunds/?search=nobody@example.com",
        "Wagtail's list": reverse("nd8_payments:index"),
        "Wagtail's list, held ones": f"{reverse('nd8_payments:index')}?status=held",
        "Wagtail's list, placed ones": f"{reverse('nd8_payments:index')}?status=placed",
        "Wagtail's refunds": reverse("nd8_refunds:index"),
        "Django's admin, sessions": reverse("admin:oscar_nd8_paymentsession_changelist"),
        "Django's admin, an e-mail": f"{reverse('admin:oscar_nd8_paymentsession_changelist')}?q=guest77@example.com",
        "Django's admin, notifications": reverse("admin:oscar_nd8_webhookevent_changelist"),
    }
    get_user_model().objects.bulk_create(get_user_model()(username=f"user {number}") for number in range(30))
    with _as_in_a_shop():
        for what, url in pages.items():
            time_taken, queries = _page(staff, url)
            detail = f"{queries} queries"
            if what.startswith("Wagtail"):
                # What Wagtail's own takes just then for as many rows, each with its menu.
                theirs, _ = _page(staff, reverse("wagtailusers_users:index"))
                detail += f"; Wagtail's own list of users {theirs:.0f} ms"
            yield at_most(100, f"{what}, among {rows:,}", time_taken, unit="ms", detail=detail)


@contextmanager
def _as_in_a_shop() -> Iterator[None]:
    """Templates are rendered as they are: for tests, Django keeps a copy of the context of each."""
    teardown_test_environment()
    try:
        with override_settings(ALLOWED_HOSTS=["testserver"]):
            yield
    finally:
        setup_test_environment()


def _due() -> tuple[float, int]:
    due = PaymentSession.objects.filter(due_at__lte=timezone.now()).order_by("due_at")
    found: list[Any] = []
    times = [milliseconds(lambda: found.append(list(due.values_list("pk", "due_at")[:200]))) for _ in range(50)]
    return statistics.median(times), len(found)


def _page(client: Client, url: str) -> tuple[float, int]:
    def get() -> None:
        response = client.get(url)
        assert response.status_code == 200, response.status_code

    get()
    with CaptureQueriesContext(connection) as captured:
        get()
    # Counted before the next request, which begins by forgetting them.
    queries = len(captured)
    return statistics.median(milliseconds(get) for _ in range(7)), queries
