"""One run of the reconciler brings everything that is open to its end, however it was left."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from io import StringIO
from threading import Lock, Thread, get_ident
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, connections
from django.db.models import F
from django.db.models.signals import post_save
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from oscar.core.loading import get_model

from oscar_nd8.exceptions import RateLimited
from oscar_nd8.models import Attention, Payment, PaymentSession, WebhookEvent
from oscar_nd8.services.move_session import EXPIRY_GRACE
from oscar_nd8.services.receive_event import receive_event
from oscar_nd8.services.reconcile import Done, reconcile
from oscar_nd8.services.settle import settle
from oscar_nd8.services.sweep import KEYS_IN_MEMORY, LEASE, Run, Sweep, sweep
from oscar_nd8.services.sweep_sessions import AT_ONCE, SessionSweep
from oscar_nd8.signals import provider_called
from oscar_nd8.testing import ND8, Shopper
from tests.bench.reconcile import seed_held
from tests.bench.shop import provider
from tests.regular import Regular

pytestmark = pytest.mark.django_db(transaction=True)

Order, Basket = get_model("order", "Order"), get_model("basket", "Basket")

# As often as the client asks before it gives up.
READS = 6


def age(session: PaymentSession, by: timedelta) -> None:
    """Let everything about `session` have happened earlier."""
    for model, rows in ((PaymentSession, {"pk": session.pk}), (Payment, {"session": session})):
        times = [field.name for field in model._meta.fields if field.get_internal_type() == "DateTimeField"]
        model.objects.filter(**rows).update(**{name: F(name) - by for name in times})


@contextmanager
def breaking_orders() -> Iterator[None]:
    """As long as it lasts, the process dies at the last moment of writing an order."""

    def die(**_: Any) -> None:
        raise SystemError("killed")

    post_save.connect(die, sender=Order)
    try:
        yield
    finally:
        post_save.disconnect(die, sender=Order)


def nothing_is_open() -> bool:
    """Whether nothing would ever be looked at again."""
    return not any(model.objects.filter(due_at__isnull=False).exists() for model in (PaymentSession, WebhookEvent))


def test_a_payment_that_went_well_leaves_nothing_to_look_at(session: PaymentSession, nd8: ND8) -> None:
    nd8.outcome(session)
    nd8.deliver(Shopper().client)
    assert nothing_is_open()
    asked = nd8.calls("getPaymentById")

    assert reconcile(everything=True).looked_at == 0

    assert nd8.calls("getPaymentById") == asked


def test_a_notification_that_was_stored_and_never_processed_gets_its_order(
    session: PaymentSession, nd8: ND8, mailoutbox: list[Any]
) -> None:
    nd8.outcome(session)
    receive_event(*nd8.notification(), gateway_code="nd8")

    summary = reconcile()

    session.refresh_from_db()
    assert session.status == "placed"
    assert len(mailoutbox) == 1
    assert summary.done == {Done.PROCESSED: 1, Done.PLACED: 1, Done.BOOKED: 1, Done.MAILED: 1}
    assert WebhookEvent.objects.get().status == "processed"
    assert nothing_is_open()


def test_a_payment_whose_last_notification_was_lost_is_found_paid(session: PaymentSession, nd8: ND8) -> None:
    nd8.outcome(session, "processing")
    nd8.deliver(Shopper().client)
    nd8.outcome(session)

    assert reconcile(everything=True).done[Done.PLACED] == 1
    assert Order.objects.count() == 1
    assert nothing_is_open()


def test_a_decline_on_a_page_that_is_still_open_is_asked_about_until_the_page_has_closed(
    session: PaymentSession, nd8: ND8
) -> None:
    nd8.outcome(session, "failed")
    nd8.deliver(Shopper().client)
    nd8.outcome(session, "paid", status="paid")  # tried again on the same page, and ND8's message is lost

    assert reconcile(everything=True).done[Done.PLACED] == 1

    session.refresh_from_db()
    assert session.status == "placed"


def test_after_the_page_has_closed_a_decline_is_asked_about_once_more_and_never_again(
    session: PaymentSession, nd8: ND8
) -> None:
    nd8.outcome(session, "failed")
    nd8.deliver(Shopper().client)
    session.refresh_from_db()
    assert session.expires_at is not None
    age(session, session.expires_at - timezone.now() + EXPIRY_GRACE)
    asked = nd8.calls("getPaymentById")

    reconcile(everything=True)
    reconcile(everything=True)

    assert nd8.calls("getPaymentById") == asked + 1


def test_an_order_that_a_crash_prevented_is_placed(session: PaymentSession, nd8: ND8, mailoutbox: list[Any]) -> None:
    nd8.outcome(session)
    with breaking_orders():
        assert nd8.deliver(Shopper().client).status_code == 503
    session.refresh_from_db()
    assert (session.status, Order.objects.count()) == ("paid", 0)

    reconcile(everything=True)

    session.refresh_from_db()
    assert (session.status, Order.objects.count(), len(mailoutbox)) == ("placed", 1, 1)
    assert nothing_is_open()


def test_a_mail_that_could_not_be_sent_is_sent_later_without_another_order(
    session: PaymentSession, nd8: ND8, settings: Any, mailoutbox: list[Any]
) -> None:
    backend, settings.EMAIL_BACKEND = settings.EMAIL_BACKEND, "tests.shops.mail.Refusing"
    nd8.outcome(session)
    nd8.deliver(Shopper().client)
    assert reconcile(everything=True).broken == 1
    settings.EMAIL_BACKEND = backend

    assert reconcile(everything=True).done == {Done.PROCESSED: 1, Done.MAILED: 1}

    assert [mail.to for mail in mailoutbox] == [["guest@example.com"]]
    assert Order.objects.count() == 1
    assert nothing_is_open()


def test_a_deposit_that_arrives_unheard_is_booked(session: PaymentSession, nd8: ND8) -> None:
    nd8.outcome(session, "pending_deposit")
    nd8.deliver(Shopper().client)
    nd8.outcome(session)

    assert reconcile(everything=True).done == {Done.BOOKED: 1}

    assert Order.objects.get().sources.get().amount_debited == session.amount_major
    assert nothing_is_open()


def test_an_open_page_that_nobody_paid_is_closed_when_it_is_over_and_not_before(
    session: PaymentSession, nd8: ND8
) -> None:
    reconcile(everything=True)
    session.refresh_from_db()
    assert session.status == "open"
    assert session.expires_at is not None
    assert session.due_at == session.expires_at + EXPIRY_GRACE

    age(session, session.due_at - timezone.now())
    assert reconcile().done == {Done.EXPIRED: 1}

    session.refresh_from_db()
    assert (session.status, session.closed_at is not None) == ("expired", True)
    assert nd8.calls("getPaymentById") == 0


def test_a_closed_page_with_a_payment_under_way_stays_open_until_nd8_says_how_it_ended(
    session: PaymentSession, nd8: ND8
) -> None:
    nd8.outcome(session, "processing")
    nd8.deliver(Shopper().client)
    session.refresh_from_db()
    assert session.expires_at is not None
    age(session, session.expires_at - timezone.now() + EXPIRY_GRACE)

    reconcile()
    session.refresh_from_db()
    assert session.status == "open"

    nd8.outcome(session)
    reconcile(everything=True)
    session.refresh_from_db()
    assert session.status == "placed"


def test_a_late_payment_of_a_closed_session_still_gets_its_order(session: PaymentSession, nd8: ND8) -> None:
    PaymentSession.objects.update(due_at=timezone.now(), expires_at=timezone.now() - EXPIRY_GRACE)
    reconcile()
    session.refresh_from_db()
    assert session.status == "expired"

    nd8.outcome(session)
    nd8.deliver(Shopper().client)

    session.refresh_from_db()
    assert (session.status, session.closed_at) == ("placed", None)
    assert Order.objects.count() == 1


def test_a_session_whose_preparing_died_is_given_up_and_a_young_one_is_left_alone(
    session: PaymentSession, nd8: ND8
) -> None:
    PaymentSession.objects.update(
        status="new", checkout_id="", checkout_url="", expires_at=None, due_at=timezone.now() + timedelta(minutes=2)
    )
    reconcile(everything=True)
    session.refresh_from_db()
    assert session.status == "new"

    age(session, timedelta(minutes=3))
    assert reconcile().done == {Done.FAILED: 1, Done.DISCARDED: 1}

    session.refresh_from_db()
    assert (session.status, session.basket_id) == ("failed", None)


def test_the_frozen_basket_of_an_unpaid_session_is_deleted_after_its_time_and_nothing_else(
    session: PaymentSession, guest: Shopper, nd8: ND8
) -> None:
    PaymentSession.objects.update(due_at=timezone.now(), expires_at=timezone.now() - EXPIRY_GRACE)
    reconcile()
    age(session, timedelta(days=29))
    reconcile(everything=True)
    session.refresh_from_db()
    assert session.basket is not None

    age(session, timedelta(days=1))
    assert reconcile().done == {Done.DISCARDED: 1}

    session.refresh_from_db()
    assert (session.status, session.basket_id, session.due_at) == ("expired", None, None)
    assert guest.goods() == [("Enamel mug", 1)]
    nd8.outcome(session)
    nd8.deliver(Shopper().client)
    assert Order.objects.get().total_incl_tax == session.amount_major


def test_what_is_not_due_yet_is_left_alone_by_a_scheduled_run(session: PaymentSession, nd8: ND8) -> None:
    nd8.outcome(session, "processing")
    nd8.deliver(Shopper().client)
    asked = nd8.calls("getPaymentById")

    assert reconcile().looked_at == 0

    assert nd8.calls("getPaymentById") == asked
    session.refresh_from_db()
    assert session.due_at is not None
    assert timedelta(seconds=50) < session.due_at - timezone.now() <= timedelta(minutes=1)


def test_the_older_something_is_the_rarer_it_is_asked_about_and_in_the_end_no_more(
    session: PaymentSession, nd8: ND8
) -> None:
    nd8.outcome(session, "processing")
    nd8.deliver(Shopper().client)
    waits = []
    for _ in range(4):
        age(session, timedelta(days=2))
        reconcile(everything=True)
        session.refresh_from_db()
        waits.append(session.due_at and round((session.due_at - timezone.now()).total_seconds() / 3600))
    assert waits == [12, 24, 24, 24]

    assert Attention.objects.count() == 0

    age(session, timedelta(days=30))
    reconcile(everything=True)
    session.refresh_from_db()
    assert (session.status, session.payments.get().state) == ("expired", "processing")
    matter = Attention.objects.get()
    assert (matter.kind, matter.subject) == ("unanswered", session.payments.get().transaction_id)
    assert '"processing"' in matter.detail

    nd8.outcome(session)
    nd8.deliver(Shopper().client)
    session.refresh_from_db()
    matter.refresh_from_db()
    assert (session.status, matter.resolution) == ("placed", "by_itself")


def test_a_deposit_that_never_arrives_is_told_to_staff_in_the_end(session: PaymentSession, nd8: ND8) -> None:
    nd8.outcome(session, "pending_deposit")
    nd8.deliver(Shopper().client)
    age(session, timedelta(days=31))
    reconcile(everything=True)
    assert session.attentions.get().kind == "unanswered"
    session.refresh_from_db()
    assert (session.status, session.due_at) == ("placed", None)


def test_an_order_that_cannot_be_written_for_a_day_is_for_a_person(session: PaymentSession, nd8: ND8) -> None:
    nd8.outcome(session)
    with breaking_orders():
        nd8.deliver(Shopper().client)
        reconcile(everything=True)
        session.refresh_from_db()
        assert session.status == "paid"

        age(session, timedelta(days=2))
        reconcile(everything=True)
        session.refresh_from_db()
    assert session.status == "held"
    assert "SystemError: killed" in session.attentions.get().detail
    assert Order.objects.count() == 0


def test_what_a_killed_run_had_claimed_is_taken_up_by_the_next_run_over_everything(
    session: PaymentSession, nd8: ND8
) -> None:
    nd8.outcome(session)
    event = receive_event(*nd8.notification(), gateway_code="nd8")
    WebhookEvent.objects.filter(pk=event.pk).update(due_at=timezone.now() + LEASE)

    assert reconcile().looked_at == 0
    assert reconcile(everything=True).done[Done.PLACED] == 1


def open_payments(nd8: ND8, mug: Any, number: int) -> list[PaymentSession]:
    """As many payments that ND8 is working on."""
    for index in range(number):
        shopper = Regular(email=f"shopper-{index}@example.com")
        nd8.outcome(shopper.begin_payment(mug), "processing")
        nd8.deliver(shopper.client)
    return list(PaymentSession.objects.order_by("pk"))


def test_a_run_that_nd8_asks_to_wait_ends_and_leaves_the_rest_due(nd8: ND8, mug: Any) -> None:
    open_payments(nd8, mug, 4)
    nd8.fault("getPaymentById", "429", times=100)
    asked = nd8.calls("getPaymentById")

    summary = reconcile(everything=True, workers=1)

    assert summary.stopped == "ND8 asks us to wait for 1 seconds (429)"
    assert (summary.looked_at, summary.postponed) == (1, 1)
    assert nd8.calls("getPaymentById") - asked <= READS
    assert PaymentSession.objects.filter(due_at__lte=timezone.now()).count() == 3


def test_a_run_while_nd8_is_down_ends_instead_of_trying_every_payment(nd8: ND8, mug: Any, settings: Any) -> None:
    open_payments(nd8, mug, 7)
    patient, settings.ND8 = settings.ND8, {**settings.ND8, "READ_BUDGET": 0.2}
    nd8.fault("getPaymentById", "500", times=1000)

    summary = reconcile(everything=True, workers=1)

    assert summary.stopped.startswith("ND8 does not answer")
    assert summary.looked_at == 5
    settings.ND8 = patient
    nd8.control("faults", operation="getPaymentById", kind="500", times=0)
    for session in PaymentSession.objects.all():
        nd8.outcome(session)
    assert reconcile(everything=True).done[Done.PLACED] == 7


def test_one_payment_that_cannot_be_finished_keeps_no_other_back(nd8: ND8, mug: Any, settings: Any) -> None:
    first, *others = open_payments(nd8, mug, 3)
    Payment.objects.filter(session=first).update(transaction_id="TX0never")
    for session in (first, *others):
        nd8.outcome(session)
    PaymentSession.objects.filter(pk=first.pk).update(checkout_id="co_other")

    summary = reconcile(everything=True)

    assert (summary.postponed, summary.done[Done.PLACED], summary.stopped) == (1, 2, "")
    first.refresh_from_db()
    assert first.due_at is not None
    assert first.due_at > timezone.now()


def test_a_run_looks_at_no_more_than_it_was_told_to(nd8: ND8, mug: Any) -> None:
    for session in open_payments(nd8, mug, 3):
        nd8.outcome(session)
    assert reconcile(everything=True, at_most=2).looked_at == 2
    assert Order.objects.count() == 2


def test_an_answer_that_was_on_its_way_while_a_newer_one_was_written_is_asked_for_again(
    session: PaymentSession, nd8: ND8, settings: Any
) -> None:
    settings.ND8 = {**settings.ND8, "READ_BUDGET": 16}
    nd8.outcome(session, "processing")
    nd8.deliver(Shopper().client)
    asked = nd8.calls("getPaymentById")
    nd8.fault("getPaymentById", "slow", seconds=4)

    def settle_slowly() -> None:
        try:
            settle(PaymentSession.objects.get())
        finally:
            connections.close_all()

    slow = Thread(target=settle_slowly)
    slow.start()
    while nd8.calls("getPaymentById") == asked:
        pass
    # The slow answer, "processing", is under way. The clock of this other machine is an hour behind.
    nd8.outcome(session, "failed")
    nd8.deliver(Shopper().client)
    Payment.objects.update(asked_at=F("asked_at") - timedelta(hours=1))
    slow.join(timeout=20)

    session.refresh_from_db()
    assert (session.status, session.payments.get().state) == ("failed", "failed")
    assert nd8.calls("getPaymentById") == asked + 3


def test_a_run_that_must_end_gives_back_what_it_had_claimed_and_not_asked_about(nd8: ND8, mug: Any) -> None:
    sessions = open_payments(nd8, mug, 6)
    assert reconcile(everything=True, workers=1).looked_at == 6  # claimed together
    nd8.fault("getPaymentById", "429", times=100)
    reconcile(everything=True, workers=1)
    due = PaymentSession.objects.filter(due_at__lte=timezone.now())
    assert due.count() == 5
    nd8.fault("getPaymentById", "429", times=0)
    for session in sessions:
        nd8.outcome(session)
    assert reconcile().done[Done.PLACED] == 5


def test_a_page_where_a_payment_failed_is_asked_about_next_when_it_has_closed_and_not_before(
    session: PaymentSession, nd8: ND8
) -> None:
    nd8.outcome(session, "failed")
    nd8.deliver(Shopper().client)
    Payment.objects.update(created_at=timezone.now() - timedelta(hours=1))
    # Not at a full ten seconds, to which what is written down together is rounded.
    closes = (timezone.now() + timedelta(minutes=2)).replace(second=4, microsecond=0)
    PaymentSession.objects.update(due_at=timezone.now(), expires_at=closes - EXPIRY_GRACE)

    assert reconcile().looked_at == 1

    session.refresh_from_db()
    assert session.due_at is not None
    assert closes <= session.due_at < closes + timedelta(seconds=10)


def test_what_nd8_says_again_is_written_down_without_the_one_road(
    nd8: ND8, mug: Any, django_assert_max_num_queries: Any
) -> None:
    open_payments(nd8, mug, 6)
    before = timezone.now()
    with django_assert_max_num_queries(25):
        assert reconcile(everything=True, workers=1).looked_at == 6
    assert Payment.objects.filter(asked_at__gt=before, state="processing").count() == 6
    assert PaymentSession.objects.filter(due_at__gt=before + timedelta(seconds=55)).count() == 6


def told(*arguments: str) -> str:
    """What the command prints."""
    out = StringIO()
    call_command("nd8_reconcile", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_says_what_it_changed(session: PaymentSession, nd8: ND8) -> None:
    nd8.outcome(session, "processing")
    nd8.deliver(Shopper().client)
    nd8.outcome(session)

    assert "0 looked at" in told("--due")
    assert [line.strip() for line in told().splitlines()] == [
        "1 looked at.",
        "1 orders placed",
        "1 deposits booked",
        "1 mails sent",
    ]
    assert told() == "0 looked at.\n"
    assert Attention.objects.count() == 0


def test_the_command_fails_when_nd8_could_not_be_asked(session: PaymentSession, nd8: ND8, settings: Any) -> None:
    nd8.outcome(session, "processing")
    nd8.deliver(Shopper().client)
    settings.ND8 = {**settings.ND8, "API_KEY": "revoked"}
    with pytest.raises(CommandError, match="Ended early: ND8 refuses our key"):
        told()


@pytest.mark.parametrize(
    ("option", "given", "words"),
    [
        ("--limit", "0", "give how many rows: a whole number above zero"),
        ("--limit", "1.5", "give how many rows: a whole number above zero"),
        ("--limit", "all", "give how many rows: a whole number above zero"),
        ("--workers", "0", "give how many questions at once: a whole number from 1 to 32"),
        ("--workers", "33", "give how many questions at once: a whole number from 1 to 32"),
    ],
)
def test_a_number_that_makes_no_sense_is_refused_in_words(
    session: PaymentSession, nd8: ND8, option: str, given: str, words: str
) -> None:
    asked = nd8.calls("getPaymentById")
    with pytest.raises(CommandError, match=f"{option}: {words}"):
        told(option, given)
    assert nd8.calls("getPaymentById") == asked


class _SlowSweep(SessionSweep):
    """One that has half used up its claim."""

    def claim(self, keys: Sequence[int]) -> datetime:
        lease = timezone.now() + LEASE / 2 - timedelta(seconds=1)
        PaymentSession.objects.filter(pk__in=keys).update(due_at=lease)
        return lease


def test_where_nd8_is_slow_what_was_claimed_is_given_back_before_another_run_could_take_it(
    session: PaymentSession, nd8: ND8
) -> None:
    nd8.outcome(session, "processing")
    nd8.deliver(Shopper().client)
    asked = nd8.calls("getPaymentById")
    PaymentSession.objects.update(due_at=timezone.now())
    run = Run(workers=1, at_most=None, tell=lambda _summary: None)

    _SlowSweep(run, lambda _pk, **_answers: Counter()).work()

    session.refresh_from_db()
    assert nd8.calls("getPaymentById") == asked
    assert run.summary.looked_at == 0
    assert session.due_at == run.began


@pytest.mark.postgres
def test_threads_share_what_is_due_and_each_session_is_asked_about_and_written_down_once() -> None:
    rows, calls = 5 * AT_ONCE + 1, Counter[tuple[int, str, str]]()

    def count(*, operation: str, outcome: str, **_told: object) -> None:
        calls[get_ident(), operation, outcome] += 1

    with provider(latency=0.01):
        seed_held(rows)
        began = timezone.now()
        PaymentSession.objects.update(due_at=began)
        provider_called.connect(count)
        summary = reconcile(workers=4)
        provider_called.disconnect(count)

    assert (summary.looked_at, summary.postponed, summary.broken) == (rows, 0, 0)
    assert calls.total() == rows
    assert {(operation, outcome) for _, operation, outcome in calls} == {("getPaymentById", "ok")}
    assert 4 <= len(calls) <= 5
    assert not PaymentSession.objects.exclude(due_at__gt=began + timedelta(minutes=10)).exists()
    assert not Payment.objects.exclude(asked_at__gte=began).exists()
    assert set(PaymentSession.objects.values_list("status", flat=True)) == {"held"}


class _CountedSweep(SessionSweep):
    """One that notes how many sessions are seen to at the same time."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.now = self.most = 0
        self.counting = Lock()

    def see_to(self, pk: int, look_at: Callable[[], Counter[Done]]) -> None:
        with self.counting:
            self.now += 1
            self.most = max(self.most, self.now)
        super().see_to(pk, look_at)
        with self.counting:
            self.now -= 1


@pytest.mark.postgres
def test_no_more_than_so_many_are_with_nd8_at_once_though_one_more_thread_stands_ready() -> None:
    with provider(latency=0.01):
        seed_held(5 * AT_ONCE)
        PaymentSession.objects.update(due_at=timezone.now())
        counted = _CountedSweep(
            Run(workers=3, at_most=None, tell=lambda _summary: None), lambda _pk, **_answers: Counter()
        )
        sweep(counted)

    assert counted.run.summary.looked_at == 5 * AT_ONCE
    assert (counted.most, counted.threads) == (3, 4)


class _BreakingSweep(SessionSweep):
    """One whose second claim the database refuses."""

    claims = 0

    def claim(self, keys: Sequence[int]) -> datetime:
        self.claims += 1
        if self.claims == 2:
            raise DatabaseError("deadlock detected")
        return super().claim(keys)


@pytest.mark.postgres
def test_a_claim_that_the_database_refuses_ends_one_thread_and_keeps_the_others_at_work() -> None:
    rows = 5 * AT_ONCE
    with provider(latency=0.01):
        seed_held(rows)
        PaymentSession.objects.update(due_at=timezone.now())
        run = Run(workers=2, at_most=None, tell=lambda _summary: None)
        with pytest.raises(DatabaseError, match="deadlock detected"):
            sweep(_BreakingSweep(run, lambda _pk, **_answers: Counter()))

    # Only those that it was about to claim stay due.
    assert run.summary.looked_at == rows - AT_ONCE
    assert PaymentSession.objects.filter(due_at__lte=run.began).count() == AT_ONCE


@pytest.mark.postgres
def test_what_one_claimed_for_all_is_given_back_at_once_when_nd8_asks_to_wait() -> None:
    class Refusing(SessionSweep):
        """ND8 asks to wait as soon as the first was asked about."""

        def see_to(self, pk: int, look_at: Callable[[], Counter[Done]]) -> None:
            super().see_to(pk, look_at)
            self.run.failed(RateLimited("wait", operation="getPaymentById"))

    with provider():
        seed_held(AT_ONCE)
        PaymentSession.objects.update(due_at=timezone.now())
        run = Run(workers=1, at_most=None, tell=lambda _summary: None)
        with CaptureQueriesContext(connection) as captured:
            Refusing(run, lambda _pk, **_answers: Counter()).work()

    assert PaymentSession.objects.filter(due_at=run.began).count() == AT_ONCE - 1
    asked = PaymentSession.objects.exclude(due_at=run.began).get()
    assert asked.due_at is not None
    assert asked.due_at > run.began
    # Claimed, given back, and written down: when it was asked about, and when it is again.
    assert [query["sql"].split()[0] for query in captured].count("UPDATE") == 4


@pytest.mark.postgres
def test_whoever_waited_for_a_place_asks_nothing_once_nd8_asked_to_wait() -> None:
    asked = Counter[int]()

    class Refusing(SessionSweep):
        """ND8 asks everybody to wait."""

        def see_to(self, pk: int, look_at: Callable[[], Counter[Done]]) -> None:
            asked[pk] += 1
            super().see_to(pk, look_at)
            self.run.failed(RateLimited("wait", operation="getPaymentById"))

    with provider(latency=0.05):
        seed_held(AT_ONCE)
        PaymentSession.objects.update(due_at=timezone.now())
        run = Run(workers=2, at_most=None, tell=lambda _summary: None)
        sweep(Refusing(run, lambda _pk, **_answers: Counter()))

    assert 1 <= asked.total() <= 2
    assert PaymentSession.objects.filter(due_at=run.began).count() == AT_ONCE - asked.total()


def test_more_rows_than_a_run_keeps_in_mind_are_each_looked_at_once_though_all_became_due_at_one_moment() -> None:
    now = timezone.now()
    WebhookEvent.objects.bulk_create(
        WebhookEvent(delivery_id=f"delivery-{number}", body="{}", due_at=now) for number in range(KEYS_IN_MEMORY + 100)
    )
    seen = Counter[int]()

    def look_at(pk: int) -> Counter[Done]:
        seen[pk] += 1
        return Counter()

    run = Run(workers=1, at_most=None, tell=lambda summary: None)
    sweep(Sweep(run, WebhookEvent, look_at))

    assert seen == Counter(WebhookEvent.objects.values_list("pk", flat=True))
    assert run.summary.looked_at == KEYS_IN_MEMORY + 100


def test_a_limit_does_not_count_what_another_run_was_faster_to_claim() -> None:
    due = [timezone.now() - timedelta(minutes=minutes) for minutes in (4, 3, 2, 1)]
    first, second, third, fourth = WebhookEvent.objects.bulk_create(
        WebhookEvent(delivery_id=f"delivery-{moment}", body="{}", due_at=moment) for moment in due
    )
    seen: list[int] = []

    def look_at(pk: int) -> Counter[Done]:
        seen.append(pk)
        WebhookEvent.objects.filter(pk=second.pk).update(due_at=timezone.now() + LEASE)
        return Counter()

    run = Run(workers=1, at_most=2, tell=lambda summary: None)
    sweep(Sweep(run, WebhookEvent, look_at))

    assert seen == [first.pk, third.pk]
    assert run.summary.looked_at == 2
    fourth.refresh_from_db()
    assert fourth.due_at == due[3]
