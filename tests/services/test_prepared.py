"""Statements that are composed once a process: prepared where a shop's connection allows it, else not."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet, Value
from django.db.models.functions import Coalesce
from django.test.utils import CaptureQueriesContext
from oscar.core.loading import get_model

from oscar_nd8.models import PaymentSession, WebhookEvent
from oscar_nd8.prepared import prepared_cursor, rows_of, update_of
from oscar_nd8.testing import ND8, Shopper
from tests.services.test_confirmed_again import told_again

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]

# What PostgreSQL keeps for this connection, and how often it was carried out.
KEPT = """
    SELECT sum(generic_plans + custom_plans), count(*) FROM pg_prepared_statements WHERE statement LIKE %s
"""


@pytest.fixture
def threshold() -> Iterator[None]:
    """A shop whose OPTIONS say `prepare_threshold`: from the first time on."""
    connection.close()
    connection.ensure_connection()
    connection.connection.prepare_threshold = 0
    yield
    connection.close()


def kept(like: str) -> tuple[int, int]:
    """How often prepared statements that look `like` this were carried out, and how many of them there are."""
    with connection.cursor() as cursor:
        cursor.execute(KEPT, [like])
        times, statements = cursor.fetchone()
        return int(times or 0), statements


def named(email: Any) -> QuerySet[PaymentSession, tuple[Any, ...]]:
    return PaymentSession.objects.filter(email=email).order_by("pk").values_list("pk", "email", "created_at", "paid_at")


def closing(reason: str, *, email: Any, **changes: Any) -> tuple[QuerySet[PaymentSession], dict[str, Any]]:
    changes["paid_at"] = Coalesce("paid_at", changes["paid_at"])
    return PaymentSession.objects.filter(email=email), {"status_reason": Value(reason)} | changes


def test_unless_the_shop_says_so_nothing_is_prepared(session: PaymentSession, nd8: ND8) -> None:
    nd8.outcome(session)
    assert nd8.deliver(Shopper().client).status_code == 200
    for _ in range(7):
        assert told_again(nd8) == 200
    assert kept("%") == (0, 0)


@pytest.mark.usefixtures("threshold")
def test_a_notification_that_comes_again_is_stored_looked_up_and_confirmed_by_prepared_statements(
    session: PaymentSession, nd8: ND8
) -> None:
    nd8.outcome(session)
    assert nd8.deliver(Shopper().client).status_code == 200
    assert told_again(nd8) == 200
    before = [kept(f"%{word}%") for word in ("ON CONFLICT", "is_one_of_several", "WITH confirmed")]
    assert [statements for _, statements in before] == [1, 1, 1]
    assert told_again(nd8) == 200
    after = [kept(f"%{word}%") for word in ("ON CONFLICT", "is_one_of_several", "WITH confirmed")]
    assert after == [(times + 1, statements) for times, statements in before]
    assert set(WebhookEvent.objects.values_list("status", flat=True)) == {"processed"}
    assert get_model("order", "Order").objects.count() == 1


@pytest.mark.usefixtures("threshold")
def test_a_start_prepares_its_own_statements_and_leaves_those_of_the_shop_as_they_are(guest: Shopper, mug: Any) -> None:
    factory = connection.connection.cursor_factory
    session = guest.begin_payment(mug)
    assert session.status == "open"
    assert connection.connection.cursor_factory is factory
    assert kept("%reuse_key%")[1] == 1
    assert kept('INSERT INTO "basket_line"%')[1] == 1
    assert kept('UPDATE "oscar_nd8_paymentsession"%')[1] == 1
    assert kept("%django_session%") == (0, 0)
    assert kept('SELECT "basket_basket"%') == (0, 0)


@pytest.mark.usefixtures("threshold")
def test_whoever_watches_statements_sees_them(session: PaymentSession) -> None:
    seen: list[str] = []

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        seen.append(sql)
        return execute(sql, params, many, context)

    mine = f"SELECT {connection.ops.quote_name('oscar_nd8_paymentsession')}.%paid_at%email%"
    before, _ = kept(mine)
    with connection.execute_wrapper(watch):
        rows_of(named, email=session.email)
        with CaptureQueriesContext(connection) as captured:
            rows_of(named, email=session.email)
    assert len(seen) == 2
    assert "oscar_nd8_paymentsession" in seen[0]
    # With its values, which are not a prepared statement's own.
    (query,) = captured
    assert session.email in query["sql"]
    assert kept(mine) == (before + 1, 1)


@pytest.mark.parametrize("prepared", [False, True])
def test_its_rows_are_those_of_the_query(session: PaymentSession, request: Any, *, prepared: bool) -> None:
    if prepared:
        request.getfixturevalue("threshold")
    for email in (session.email, "nobody@example.com", session.email):
        assert rows_of(named, email=email) == list(named(email))
    assert len(rows_of(named, email=session.email)) == 1


@pytest.mark.parametrize("prepared", [False, True])
def test_it_changes_what_the_query_would(session: PaymentSession, request: Any, *, prepared: bool) -> None:
    if prepared:
        request.getfixturevalue("threshold")
    late, early = session.created_at, session.created_at.replace(year=2020)
    assert update_of(closing, "looked at", email="nobody@example.com", paid_at=early, currency="EUR") == 0
    assert update_of(closing, "looked at", email=session.email, paid_at=late, currency="EUR") == 1
    assert update_of(closing, "seen", email=session.email, paid_at=early, currency="JPY") == 1
    after = PaymentSession.objects.get()
    assert (after.status_reason, after.paid_at, after.currency) == ("seen", late, "JPY")
    assert update_of(closing, "again", email=session.email, paid_at=early) == 1
    after.refresh_from_db()
    assert (after.status_reason, after.paid_at, after.currency) == ("again", late, "JPY")


@pytest.mark.parametrize("prepared", [False, True])
def test_whoever_swallows_its_error_does_not_make_django_believe_in_a_commit(
    session: PaymentSession, request: Any, *, prepared: bool
) -> None:
    if prepared:
        request.getfixturevalue("threshold")
    done: list[str] = []
    with transaction.atomic():
        transaction.on_commit(lambda: done.append("committed"))
        with suppress(IntegrityError):
            update_of(closing, "wrong", email=session.email, paid_at=session.created_at, amount=0)
    assert done == []
    session.refresh_from_db()
    assert session.status_reason == ""


@pytest.mark.usefixtures("threshold")
def test_guests_and_customers_begin_in_turns_and_each_comes_back_to_their_own_page(
    guest: Shopper, customer: Shopper, mug: Any
) -> None:
    theirs = [shopper.begin_payment(mug) for shopper in (guest, customer)]
    for shopper, session in zip((guest, customer), theirs, strict=True):
        assert shopper.pay_now().headers["Location"] == session.checkout_url
    assert PaymentSession.objects.count() == 2


@pytest.mark.usefixtures("threshold")
def test_a_transaction_that_was_rolled_back_and_a_connection_that_was_lost_cost_nothing(
    session: PaymentSession,
) -> None:
    with transaction.atomic():
        assert len(rows_of(named, email=session.email)) == 1
        transaction.set_rollback(True)
    assert len(rows_of(named, email=session.email)) == 1
    connection.close()
    assert len(rows_of(named, email=session.email)) == 1
    with prepared_cursor() as cursor:
        cursor.execute("SELECT %s::text", ["it goes on"])
        assert cursor.fetchone() == ("it goes on",)
