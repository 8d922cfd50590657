"""Statements that are composed once a process: prepared where a shop's connection allows it, else not."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, models, router, transaction
from django.db.models import QuerySet, Value
from django.db.models.functions import Coalesce
from django.test.utils import CaptureQueriesContext, isolate_apps
from django.utils.connection import ConnectionDoesNotExist
from oscar.core.loading import get_model

from oscar_nd8.models import PaymentSession, WebhookEvent
from oscar_nd8.prepared import as_instances, insert, prepared_cursor, read_related, rows_of, update_of
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
    assert kept('SELECT%"reuse_key"%')[1] == 1
    assert kept('%INSERT INTO "basket_line"%')[1] == 1
    assert kept('INSERT INTO "oscar_nd8_paymentsession"%')[1] == 1
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
    for wrong in (
        lambda: update_of(closing, "wrong", email=session.email, paid_at=session.created_at, amount=0),
        lambda: insert(PaymentSession(reuse_key=session.reuse_key, amount=0)),
    ):
        with transaction.atomic():
            transaction.on_commit(lambda: done.append("committed"))
            with suppress(IntegrityError):
                wrong()
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


@pytest.fixture
def records(mug: Any) -> list[Any]:
    """Stock records of one partner and of another one, nothing of whom was read."""
    StockRecord, Partner = get_model("partner", "StockRecord"), get_model("partner", "Partner")
    (first,) = StockRecord.objects.all()
    other = Partner.objects.create(name="Another")
    for number, partner in enumerate([first.partner, other]):
        StockRecord.objects.create(product=mug, partner=partner, partner_sku=f"sku-{number}")
    return list(StockRecord.objects.order_by("pk"))


def partners_of(records: list[Any]) -> list[dict[str, Any]]:
    """Every column, without asking the database."""
    with CaptureQueriesContext(connection) as captured:
        found = [
            {each.attname: getattr(record.partner, each.attname) for each in record.partner._meta.concrete_fields}
            for record in records
        ]
    assert len(captured) == 0
    return found


@pytest.mark.parametrize("prepared", [False, True])
def test_what_rows_lead_to_is_what_django_would_read(records: list[Any], request: Any, *, prepared: bool) -> None:
    if prepared:
        request.getfixturevalue("threshold")
    theirs = [get_model("partner", "Partner").objects.values().get(pk=record.partner_id) for record in records]
    assert theirs[0] == theirs[1] != theirs[2]
    for some in (slice(0, 1), slice(0, 2), slice(0, 3), slice(0, 0)):
        fresh = list(type(records[0]).objects.order_by("pk")[some])
        with CaptureQueriesContext(connection) as captured:
            read_related(fresh, "partner")
        assert len(captured) == (1 if fresh else 0)
        assert partners_of(fresh) == theirs[some]
        assert {each.partner._state.db for each in fresh} <= {"default"}
        with CaptureQueriesContext(connection) as captured:
            read_related(fresh, "partner")
        assert len(captured) == 0


def test_a_shops_own_manager_is_asked(records: list[Any], monkeypatch: Any) -> None:
    read_related(records[:1], "partner")  # its statement is composed
    Partner = get_model("partner", "Partner")
    asked: list[str] = []

    class Named(models.Manager[Any]):
        def get_queryset(self) -> Any:
            asked.append("manager")
            return super().get_queryset()

    manager = Named()
    manager.model = Partner
    monkeypatch.setitem(vars(Partner._meta), "base_manager", manager)
    read_related(records[1:2], "partner")
    assert asked == ["manager"]
    assert records[1].partner.name == Partner.objects.get(pk=records[1].partner_id).name


def test_where_a_router_sends_it_is_where_it_is_read(records: list[Any], monkeypatch: Any) -> None:
    class Elsewhere:
        def db_for_read(self, model: Any, **hints: Any) -> str:
            return "elsewhere"

    monkeypatch.setattr(router, "routers", [Elsewhere()])
    with pytest.raises(ConnectionDoesNotExist, match="elsewhere"):
        read_related(records[:1], "partner")


class Row(models.Model):
    """One of a model that a fork could have."""

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return str(self.pk)


class Marked(models.AutoField):  # type: ignore[type-arg]
    """A key that is a word in Python and a number in the database, as forks have them."""

    def from_db_value(self, value: int | None, *_: Any) -> str | None:
        return None if value is None else f"P-{value}"

    def get_prep_value(self, value: Any) -> Any:
        return value if value is None else int(str(value).removeprefix("P-"))


@isolate_apps("oscar_nd8")
def test_keys_that_python_reads_otherwise_are_read_as_django_reads_them(records: list[Any]) -> None:
    class Owner(Row):
        id = Marked(primary_key=True)
        name = models.CharField(max_length=128)

        class Meta:
            app_label = "oscar_nd8"
            db_table = "partner_partner"

    class Record(Row):
        partner = models.ForeignKey(Owner, models.CASCADE)

        class Meta:
            app_label = "oscar_nd8"
            db_table = "partner_stockrecord"

    theirs: Any = QuerySet(Record).get(pk=records[0].pk)
    ours: Any
    (ours,) = as_instances(Record, [(records[0].pk, records[0].partner_id)])
    assert theirs.partner_id == ours.partner_id == f"P-{records[0].partner_id}"
    read_related([ours], "partner")
    with CaptureQueriesContext(connection) as captured:
        assert (ours.partner.pk, ours.partner.name) == (theirs.partner_id, records[0].partner.name)
    assert len(captured) == 1  # the last one's own


@isolate_apps("oscar_nd8")
def test_a_key_that_is_no_primary_one_is_read_as_django_reads_it(records: list[Any]) -> None:
    class Named(Row):
        name = models.CharField(max_length=128, unique=True)

        class Meta:
            app_label = "oscar_nd8"
            db_table = "partner_partner"

    class Record(Row):
        partner = models.ForeignKey(Named, models.CASCADE, to_field="name")

        class Meta:
            app_label = "oscar_nd8"

    record: Any = Record(partner_id="Another")
    read_related([record], "partner")
    assert record.partner.pk == records[2].partner_id


def test_what_django_reads_from_json_is_read_from_it(session: PaymentSession) -> None:
    names = [field.attname for field in PaymentSession._meta.concrete_fields]
    rows = rows_of(every_column, tuple(names))
    (read,) = as_instances(PaymentSession, rows)
    assert isinstance(read.quote, dict)
    assert {name: getattr(read, name) for name in names} == PaymentSession.objects.values(*names).get()


def every_column(names: tuple[str, ...]) -> QuerySet[PaymentSession, tuple[Any, ...]]:
    return PaymentSession.objects.values_list(*names)


@pytest.mark.parametrize("prepared", [False, True])
def test_a_row_is_inserted_as_django_saves_it(session: PaymentSession, request: Any, *, prepared: bool) -> None:
    if prepared:
        request.getfixturevalue("threshold")
    told: list[Any] = []

    def listen(signal: Any, **named: Any) -> None:
        told.append((signal, named["instance"].pk is None, named.get("created"), named["raw"], named["using"]))

    kept = {each.attname: getattr(session, each.attname) for each in session._meta.concrete_fields}
    changes = {
        "id": None,
        "token": uuid4(),
        "reuse_key": "another",
        "order_number": "another",
        "checkout_id": "another",
        "basket_id": None,
    }
    models.signals.pre_save.connect(listen, sender=PaymentSession)
    models.signals.post_save.connect(listen, sender=PaymentSession)
    try:
        row = PaymentSession(**kept | changes)
        insert(row)
    finally:
        models.signals.pre_save.disconnect(listen, sender=PaymentSession)
        models.signals.post_save.disconnect(listen, sender=PaymentSession)
    assert told == [
        (models.signals.pre_save, True, None, False, "default"),
        (models.signals.post_save, False, True, False, "default"),
    ]
    stored = PaymentSession.objects.values().get(pk=row.pk)
    assert stored == kept | changes | {"id": row.pk}
    assert (row._state.adding, row._state.db) == (False, "default")
    row.email = "new@example.com"
    row.save()
    assert PaymentSession.objects.count() == 2
    with pytest.raises(IntegrityError):
        insert(PaymentSession(**kept | changes | {"reuse_key": kept["reuse_key"], "token": uuid4()}))
    assert PaymentSession.objects.count() == 2
