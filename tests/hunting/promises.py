"""What must hold after each step of a sequence, and what must have become of every payment at its end."""

from collections import Counter
from datetime import datetime
from decimal import Decimal

from django.core import mail

from oscar_nd8.models import Attention, PaymentSession, Refund, StaffAction, WebhookEvent
from oscar_nd8.states import MOVED_NOTHING, EventStatus, RefundStatus, SessionStatus
from tests.hunting.provider import Provider
from tests.hunting.shop import Buyer, Rows

__all__ = ["always", "at_the_end", "in_the_end_of_what_was_told"]

S, R, K = SessionStatus, RefundStatus, Attention.Kind
PAID = {"paid", "refund_pending", "refunded"}


def always(rows: Rows, provider: Provider, buyer: Buyer, *, repeated_mails: int) -> None:
    """Whatever happened, and wherever it was interrupted."""
    _one_order_for_a_paid_session(rows, provider)
    _refunds_stay_within_the_payment(rows, provider)
    _the_ledger_says_what_was_booked(rows)
    _the_basket_has_what_was_not_bought(rows, buyer)
    told = Counter(_order_mails(rows))
    assert sum(max(0, count - 1) for count in told.values()) <= repeated_mails, f"mails went out again: {told}"


def in_the_end_of_what_was_told(rows: Rows, provider: Provider) -> None:
    """After one run of the reconciler: nothing that the shop was ever told about is left undone."""
    events = list(WebhookEvent.objects.all())
    # What ND8 says about a refund names no checkout, and ties no payment to one.
    told = {each.transaction_id for each in events if each.checkout_id}
    _every_payment_has_its_end(rows, provider, told=told)
    assert not [each for each in rows.sessions if each.status == S.PAID], "an order is still due"
    undone = [each for each in events if each.status in {EventStatus.RECEIVED, EventStatus.FAILED}]
    assert not undone, f"not processed: {[(each.status, each.last_error) for each in undone]}"


def at_the_end(rows: Rows, provider: Provider, *, last_run: datetime) -> None:
    """When everything was told, and a while later the reconciler ran: both books say the same, and nothing waits."""
    in_the_end_of_what_was_told(rows, provider)
    _every_payment_has_its_end(rows, provider, told={each.public_id for each in provider.transactions})
    assert not [each for each in rows.sessions if each.status == S.NEW], "still being prepared"
    statuses = {each.public_id: each.status for each in provider.transactions}
    assert all(each.raw_status == statuses[each.transaction_id] for each in rows.payments), "ND8 says otherwise"
    _staff_heard_of_strangers(rows, provider)
    _the_same_refunds(rows, provider)
    _all_is_booked(rows, provider)
    told = Counter(_order_mails(rows))
    assert set(told) == {order.number for order in rows.orders}, "an order without its mail"
    due = [model.objects.filter(due_at__lte=last_run) for model in (PaymentSession, WebhookEvent, Refund)]
    first, *others = (each.order_by().values_list("pk", "status", "due_at") for each in due)
    assert not (stuck := list(first.union(*others, all=True))), f"stuck: {stuck}"


def _one_order_for_a_paid_session(rows: Rows, provider: Provider) -> None:
    checkouts = {each.public_id: each.checkout.checkout_id for each in provider.transactions}
    orders = {order.pk: order for order in rows.orders}
    placed = [session for session in rows.sessions if session.status == S.PLACED]
    assert sorted(orders) == sorted(each.order_id for each in placed if each.order_id is not None), "orders ≠ placed"
    for session in placed:
        order = orders[session.order_id]
        assert order.number == session.order_number
        assert order.total_incl_tax == session.amount_major, "not what was agreed"
        lines = sum((line.line_price_incl_tax for line in order.lines.all()), order.shipping_incl_tax)
        assert lines == order.total_incl_tax, "the lines do not add up"
        paid = [
            each
            for each in rows.payments
            if each.session_id == session.pk and each.transaction_id in provider.ever_paid
        ]
        assert paid, "an order that nobody paid"
        assert all(checkouts[each.transaction_id] == session.checkout_id for each in paid), "another one's payment"
        if all(each.transaction_id in provider.odd for each in paid):
            decided = StaffAction.objects.filter(verb=StaffAction.Verb.PLACE, session=session)
            assert decided.exists(), "an odd payment became an order, and nobody decided so"
    held = {each.session_id for each in rows.matters if each.kind == K.HELD}
    assert all(each.pk in held for each in rows.sessions if each.status == S.HELD), "held, and nobody was told"


def _refunds_stay_within_the_payment(rows: Rows, provider: Provider) -> None:
    for payment in rows.payments:
        amount = rows.session(payment.session_id).amount
        counted = [each for each in rows.refunds if each.payment_id == payment.pk and each.state not in MOVED_NOTHING]
        # One that ND8 made may stand beside one of which nobody told yet that it failed.
        asked = [each for each in counted if each.origin == Refund.Origin.SHOP]
        if payment.transaction_id in provider.odd:
            # The shop does not know how much "everything" is, and names no sum; ND8 does, and knows sooner what failed.
            named = [each for each in asked if not each.parts.get("everything")]
            refunds = [each for each in rows.refunds if each.payment_id == payment.pk and each.refund_id]
            failed = [each for each in refunds if each.state in MOVED_NOTHING]
            assert len(asked) - len(named) <= 1 + len(failed), "all of it was asked for twice"
            asked = named
        assert sum(each.amount for each in asked) <= amount, "asked for too much"
        assert sum(each.amount for each in counted if each.state is R.COMPLETED) <= amount, "gave too much back"
    for reference in (each.reference for each in rows.refunds):
        assert sum(reference in each.reason for each in provider.refunds) <= 1, "one refund was asked for twice"
    for each in provider.transactions:
        assert each.remaining >= 0, "ND8 gave more back than was paid"


def _the_ledger_says_what_was_booked(rows: Rows) -> None:
    payments = {each.source_id: each for each in rows.payments if each.source_id is not None}
    assert sorted(payments) == sorted(each.pk for each in rows.sources), "a ledger entry without its payment"
    for source in rows.sources:
        payment = payments[source.pk]
        amount = rows.session(payment.session_id).amount_major
        booked = [each for each in rows.refunds if each.payment_id == payment.pk and each.booked_at is not None]
        assert source.amount_allocated == amount
        assert source.amount_debited == (amount if payment.debited_at else 0)
        assert source.amount_refunded == sum((each.amount_major for each in booked), Decimal(0))
        assert source.amount_refunded <= amount


def _the_basket_has_what_was_not_bought(rows: Rows, buyer: Buyer) -> None:
    assert rows.goods == buyer.left(rows.orders), "the basket"


def _every_payment_has_its_end(rows: Rows, provider: Provider, *, told: set[str]) -> None:
    """An order, a decision of staff, or the way back; and the shop knows what ND8 knows."""
    sessions = {each.checkout_id: each for each in rows.sessions if each.checkout_id}
    for transaction in provider.transactions:
        session = sessions.get(transaction.checkout.checkout_id)
        if session is not None and transaction.public_id in told and transaction.status in PAID:
            assert session.status in {S.PLACED, S.HELD}, f"paid, and {session.status}"
    for session in rows.sessions:
        paid = [
            each
            for each in provider.transactions
            if each.checkout.checkout_id == session.checkout_id and each.public_id in told and each.status == "paid"
        ]
        if session.checkout_id and len(paid) > 1:
            kinds = {each.kind for each in rows.matters if each.session_id == session.pk}
            assert K.PAID_TWICE in kinds, "paid twice, and nobody was told"


def _staff_heard_of_strangers(rows: Rows, provider: Provider) -> None:
    """A page whose address was lost can hardly be paid; if it is, somebody hears of it."""
    known = {each.checkout_id for each in rows.sessions}
    told = {each.subject for each in rows.matters if each.kind == K.UNKNOWN_CHECKOUT}
    paid = {each.checkout.checkout_id for each in provider.transactions if each.status == "paid"}
    assert paid - known <= told, "money for a checkout that nobody knows"


def _the_same_refunds(rows: Rows, provider: Provider) -> None:
    known = {each.transaction_id for each in rows.payments}
    theirs = Counter(
        (each.public_id, int(each.amount * 100), each.status)
        for each in provider.refunds
        if each.transaction.public_id in known
    )
    ours = Counter((each.refund_id, each.amount, each.raw_status) for each in rows.refunds if each.refund_id)
    assert ours == theirs, "the books differ about what went back"
    nameless = [each.state for each in rows.refunds if not each.refund_id]
    assert set(nameless) <= MOVED_NOTHING, f"nobody knows what became of a refund: {nameless}"


def _all_is_booked(rows: Rows, provider: Provider) -> None:
    transactions = {each.public_id: each for each in provider.transactions}
    placed = {each.pk for each in rows.sessions if each.status == S.PLACED}
    for payment in rows.payments:
        transaction = transactions[payment.transaction_id]
        if payment.session_id not in placed or transaction.status != "paid":
            continue
        assert payment.source_id is not None, "paid, and not in the ledger"
        assert bool(payment.debited_at) == transaction.is_deposited, "the deposit"
    agreed = {each.pk: rows.session(each.session_id).currency for each in rows.payments}
    for refund in rows.refunds:
        # Of a payment in another currency than agreed people keep the books.
        if refund.state is R.COMPLETED and refund.currency == agreed[refund.payment_id]:
            assert refund.booked_at is not None, "given back, and not booked"
            assert refund.mailed_at is not None, "given back, and the shopper was not told"


def _order_mails(rows: Rows) -> list[str]:
    subjects = [each.subject for each in mail.outbox if each.subject.startswith("Confirmation of order")]
    return [order.number for subject in subjects for order in rows.orders if order.number in subject]
