"""What is kept: links, sessions, payments, refunds, notifications received, what needs a person, and who did what."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from oscar_nd8.money import to_major
from oscar_nd8.states import UNFINISHED, DepositState, EventStatus, PaymentState, RefundStatus, SessionStatus

__all__ = ["Attention", "Payment", "PaymentLink", "PaymentSession", "Refund", "StaffAction", "WebhookEvent"]

STATUS_LABELS: Mapping[str, Any] = {
    SessionStatus.NEW: _("Being prepared"),
    SessionStatus.OPEN: _("Waiting for payment"),
    SessionStatus.PAID: _("Paid, order due"),
    SessionStatus.PLACED: _("Paid, order placed"),
    SessionStatus.SOLD: _("Paid by link"),
    SessionStatus.HELD: _("Paid, held for a decision"),
    SessionStatus.FAILED: _("Failed"),
    SessionStatus.CANCELED: _("Canceled"),
    SessionStatus.EXPIRED: _("Expired"),
}
PAYMENT_LABELS: Mapping[str, Any] = {
    PaymentState.PROCESSING: _("Processing"),
    PaymentState.PAID: _("Paid"),
    PaymentState.FAILED: _("Failed"),
    PaymentState.CANCELED: _("Canceled"),
    PaymentState.REFUND_PENDING: _("Refund pending"),
    PaymentState.REFUNDED: _("Refunded"),
    PaymentState.UNKNOWN: _("Unknown to this version"),
}
DEPOSIT_LABELS: Mapping[str, Any] = {
    DepositState.NONE: _("No deposit yet"),
    DepositState.PENDING: _("Deposit pending"),
    DepositState.SUCCEEDED: _("Deposit received"),
    DepositState.FAILED: _("Deposit failed"),
}
REFUND_LABELS: Mapping[str, Any] = {
    RefundStatus.REQUESTED: _("Being asked for"),
    RefundStatus.UNKNOWN: _("Answer lost, being found out"),
    RefundStatus.PROCESSING: _("On its way"),
    RefundStatus.COMPLETED: _("Refunded"),
    RefundStatus.FAILED: _("Failed, no money moved"),
    RefundStatus.REJECTED: _("Refused by ND8"),
}
EVENT_LABELS: Mapping[str, Any] = {
    EventStatus.RECEIVED: _("Received"),
    EventStatus.PROCESSED: _("Processed"),
    EventStatus.FAILED: _("Failed, will be tried again"),
    EventStatus.UNMATCHED: _("For a checkout unknown here"),
    EventStatus.IGNORED: _("Nothing to do"),
}


def _choices(labels: Mapping[str, Any]) -> list[tuple[str, Any]]:
    # Plain strings: a migration must not need the enums of a later version.
    return [(str(status), label) for status, label in labels.items()]


REUSABLE = Q(status__in=[SessionStatus.NEW.value, SessionStatus.OPEN.value])
PAID_ENDS = [SessionStatus.PAID.value, SessionStatus.PLACED.value, SessionStatus.SOLD.value, SessionStatus.HELD.value]


class PaymentLink(models.Model):
    """A payment link as ND8 last described it, at `asked_at`; only `services.payment_links` writes it.

    Prices are fixed when a link is made. Amounts are in minor units of `currency`, and None where ND8 did not say.
    """

    class Availability(models.TextChoices):
        """Whether somebody can buy by it."""

        OPEN = "open", _("On sale")
        INACTIVE = "inactive", _("Switched off")
        EXPIRED = "expired", _("Expired")
        USED_UP = "used_up", _("Used up")
        GONE = "gone", _("Closed at ND8")
        DELETED = "deleted", _("Deleted")

    gateway = models.CharField(_("gateway"), max_length=32, default="nd8")
    link_id = models.UUIDField(_("ND8 link"))
    name = models.CharField(_("name"), max_length=255)
    currency = models.CharField(_("currency"), max_length=3)
    amount = models.PositiveBigIntegerField(_("price, in minor units"), null=True)
    tax_included = models.BooleanField(_("the price includes tax"), null=True)
    lines = models.JSONField(_("what it sells"), default=list)

    is_active = models.BooleanField(_("active"), default=True)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    max_uses = models.PositiveIntegerField(_("uses at most"), null=True, blank=True)
    uses = models.PositiveIntegerField(_("uses"), null=True)
    statistics = models.JSONField(_("statistics, as ND8 names them"), default=dict)

    made_at = models.DateTimeField(_("made at ND8"), null=True)
    created_at = models.DateTimeField(_("first heard of"), default=timezone.now, editable=False)
    asked_at = models.DateTimeField(_("as ND8 said at"))
    gone_at = models.DateTimeField(_("closed, ND8 said at"), null=True)
    deleted_at = models.DateTimeField(_("deleted"), null=True)
    due_at = models.DateTimeField(_("to be looked at again"), null=True, default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("payment link")
        verbose_name_plural = _("payment links")
        ordering: ClassVar = ["-created_at", "-pk"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["gateway", "link_id"], name="nd8_one_row_a_link")]
        indexes: ClassVar = [
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="nd8_link_due"),
        ]
        permissions: ClassVar = [
            ("manage_links", _("Can create, change and delete ND8 payment links")),
            ("manage_account", _("Can manage the ND8 account: webhook and API keys")),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def amount_major(self) -> Any:
        """Price as a Decimal in major units of `currency`, or None where ND8 did not say."""
        return None if self.amount is None else to_major(self.amount, self.currency)

    @property
    def is_used_up(self) -> bool:
        """Whether it was paid as often as it may be, as far as is known."""
        return self.max_uses is not None and self.uses is not None and self.uses >= self.max_uses

    def availability_at(self, moment: datetime) -> "PaymentLink.Availability":
        """Whether somebody can buy by it at `moment`, as far as is known; ND8 has the last word."""
        if self.deleted_at is not None:
            return self.Availability.DELETED
        if not self.is_active:
            return self.Availability.INACTIVE
        if self.expires_at is not None and self.expires_at <= moment:
            return self.Availability.EXPIRED
        if self.is_used_up:
            return self.Availability.USED_UP
        return self.Availability.OPEN if self.gone_at is None else self.Availability.GONE

    @property
    def availability(self) -> "PaymentLink.Availability":
        """Whether somebody can buy by it now."""
        return self.availability_at(timezone.now())


class PaymentSession(models.Model):
    """One attempt to get one quote paid. `quote` never changes; only the settling services move `status`."""

    token = models.UUIDField(_("token"), default=uuid.uuid4, unique=True, editable=False)
    gateway = models.CharField(_("gateway"), max_length=32, default="nd8")
    status = models.CharField(
        _("status"), max_length=16, choices=_choices(STATUS_LABELS), default=SessionStatus.NEW.value
    )
    status_reason = models.CharField(_("reason"), max_length=500, blank=True)

    quote = models.JSONField(_("quote"))
    fingerprint = models.CharField(_("fingerprint"), max_length=64)
    reuse_key = models.CharField(_("reuse key"), max_length=64)
    currency = models.CharField(_("currency"), max_length=3)
    amount = models.PositiveBigIntegerField(_("amount to pay, in minor units"))
    order_number = models.CharField(_("order number"), max_length=128, unique=True)
    email = models.EmailField(_("e-mail"))
    language = models.CharField(_("language"), max_length=16, blank=True)

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        null=True,
        on_delete=models.SET_NULL,
        related_name="nd8_sessions",
    )
    site = models.ForeignKey("sites.Site", verbose_name=_("site"), null=True, on_delete=models.SET_NULL)
    link = models.ForeignKey(
        PaymentLink, verbose_name=_("payment link"), null=True, on_delete=models.PROTECT, related_name="sessions"
    )
    basket = models.OneToOneField(
        "basket.Basket",
        verbose_name=_("frozen basket"),
        null=True,
        on_delete=models.SET_NULL,
        related_name="nd8_session",
    )
    source_basket = models.ForeignKey(
        "basket.Basket",
        verbose_name=_("shopper's basket"),
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    order = models.OneToOneField(
        "order.Order",
        verbose_name=_("order"),
        null=True,
        on_delete=models.PROTECT,
        related_name="nd8_session",
    )

    checkout_id = models.CharField(_("ND8 checkout"), max_length=255, blank=True)
    checkout_url = models.TextField(_("hosted page"), blank=True)
    expires_at = models.DateTimeField(_("expires"), null=True)

    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    opened_at = models.DateTimeField(_("opened"), null=True)
    paid_at = models.DateTimeField(_("paid"), null=True)
    placed_at = models.DateTimeField(_("order placed"), null=True)
    closed_at = models.DateTimeField(_("closed unpaid"), null=True)
    mail_claimed_at = models.DateTimeField(_("mail begun"), null=True)
    mailed_at = models.DateTimeField(_("mail sent"), null=True)
    due_at = models.DateTimeField(_("to be looked at again"), null=True, default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("payment session")
        verbose_name_plural = _("payment sessions")
        ordering: ClassVar = ["-created_at", "-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["reuse_key"], condition=REUSABLE, name="nd8_one_open_session"),
            models.UniqueConstraint(
                # The id first: staff look for it without naming a gateway.
                fields=["checkout_id", "gateway"],
                condition=~Q(checkout_id=""),
                name="nd8_one_session_a_checkout",
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="nd8_session_amount_positive"),
            models.CheckConstraint(
                condition=Q(order__isnull=True) | Q(status=SessionStatus.PLACED.value),
                name="nd8_order_means_placed",
            ),
            models.CheckConstraint(
                condition=~Q(status=SessionStatus.PLACED.value) | Q(order__isnull=False, paid_at__isnull=False),
                name="nd8_placed_means_order_and_payment",
            ),
            models.CheckConstraint(
                condition=~Q(status=SessionStatus.OPEN.value) | ~Q(checkout_id=""),
                name="nd8_open_means_checkout",
            ),
            models.CheckConstraint(
                condition=~Q(status=SessionStatus.SOLD.value) | Q(link__isnull=False, paid_at__isnull=False),
                name="nd8_sold_means_link_and_payment",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["-created_at", "-id"], name="nd8_session_newest"),
            models.Index(Upper("email"), name="nd8_session_email"),
            models.Index(fields=["status", "-created_at", "-id"], name="nd8_session_newest_of"),
            models.Index(
                fields=["expires_at"],
                condition=Q(status=SessionStatus.OPEN.value),
                name="nd8_session_open_until",
            ),
            models.Index(
                fields=["paid_at"],
                condition=Q(status__in=[SessionStatus.PAID.value, SessionStatus.HELD.value]),
                name="nd8_session_order_due",
            ),
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="nd8_session_due"),
        ]
        permissions: ClassVar = [
            ("view_payments", _("Can view ND8 payments in the dashboard")),
            ("resolve_attention", _("Can decide ND8 matters that need attention")),
        ]

    def __str__(self) -> str:
        return f"{self.order_number} ({self.status_label})"

    @classmethod
    def id_of_checkout(cls) -> models.Subquery:
        """The session of an outer WebhookEvent's checkout, for annotating a list of events."""
        return models.Subquery(
            cls.objects.filter(gateway=models.OuterRef("gateway"), checkout_id=models.OuterRef("checkout_id"))
            .exclude(checkout_id="")
            .values("pk")[:1]
        )

    @property
    def state(self) -> SessionStatus:
        """`status` as the enum it is."""
        return SessionStatus(self.status)

    @property
    def status_label(self) -> Any:
        """`status` in words, for lists: `get_status_display` puts all choices together anew for each row."""
        return STATUS_LABELS.get(self.status, self.status)

    @property
    def amount_major(self) -> Any:
        """Amount to pay as a Decimal in major units of `currency`."""
        return to_major(self.amount, self.currency)

    @property
    def is_paid(self) -> bool:
        """Whether ND8 confirmed a payment, whatever became of the order."""
        return self.status in PAID_ENDS

    def can_be_paid_at(self, moment: datetime) -> bool:
        """Whether the hosted page still takes the payment at `moment`."""
        return (
            self.status == SessionStatus.OPEN
            and bool(self.checkout_url)
            and (self.expires_at is None or self.expires_at > moment)
        )

    def has_money(self) -> bool:
        """Whether ND8 has money for this session, or may have, that did not go back. Asks the database."""
        return self.payments.filter(state__in=[PaymentState.PAID, *UNFINISHED]).exists()

    def is_under_way(self) -> bool:
        """Whether ND8, as far as we know, works on a payment of this session right now. Asks the database."""
        payment = self.payments.last()
        return (
            self.status == SessionStatus.OPEN
            and payment is not None
            and payment.state == PaymentState.PROCESSING
            and payment.deposit != DepositState.FAILED
        )


class Payment(models.Model):
    """An ND8 transaction, tied to its session by a signed notification and by nothing else."""

    session = models.ForeignKey(
        PaymentSession, verbose_name=_("session"), on_delete=models.PROTECT, related_name="payments"
    )
    gateway = models.CharField(_("gateway"), max_length=32, default="nd8")
    transaction_id = models.CharField(_("transaction"), max_length=255)
    state = models.CharField(
        _("state"), max_length=16, choices=_choices(PAYMENT_LABELS), default=PaymentState.PROCESSING.value
    )
    raw_status = models.CharField(_("ND8's own word"), max_length=64, blank=True)
    deposit = models.CharField(
        _("deposit"), max_length=16, choices=_choices(DEPOSIT_LABELS), default=DepositState.NONE.value
    )
    currency = models.CharField(_("currency"), max_length=3, blank=True)
    net = models.BigIntegerField(_("net of fees, in minor units"), null=True)
    fee = models.BigIntegerField(_("ND8's fee, in minor units"), null=True)
    attempts = models.JSONField(_("attempts, newest first"), default=list)
    asked_at = models.DateTimeField(_("as ND8 said at"), null=True)
    created_at = models.DateTimeField(_("first heard of"), default=timezone.now, editable=False)
    source = models.OneToOneField(
        "payment.Source",
        verbose_name=_("ledger entry"),
        null=True,
        on_delete=models.SET_NULL,
        related_name="nd8_payment",
    )
    allocated_at = models.DateTimeField(_("booked as allocated"), null=True)
    debited_at = models.DateTimeField(_("booked as debited"), null=True)

    has_refunds = False
    """Whether there are any, in rows that `of` found."""

    class Meta:
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        ordering: ClassVar = ["created_at", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["transaction_id", "gateway"], name="nd8_one_row_a_transaction"),
            models.CheckConstraint(
                condition=Q(debited_at__isnull=True) | Q(allocated_at__isnull=False),
                name="nd8_debited_means_allocated",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.transaction_id} ({self.get_state_display()})"

    @classmethod
    def of(cls, session: PaymentSession) -> models.QuerySet["Payment"]:
        """The payments of `session`, oldest first, each with `has_refunds`."""
        return cls._with_refunds().filter(session=session)

    @classmethod
    @cache
    def _with_refunds(cls) -> models.QuerySet["Payment"]:
        """To be filtered. Composed once: every notification reads some, and composing takes as long as reading."""
        refunds = Refund.objects.filter(payment=models.OuterRef("pk"))
        return cls.objects.annotate(has_refunds=models.Exists(refunds))

    @property
    def net_major(self) -> Any:
        """What ND8 pays out, as a Decimal in major units, or None while unknown."""
        return None if self.net is None else to_major(self.net, self.currency)

    @property
    def fee_major(self) -> Any:
        """What ND8 keeps, as a Decimal in major units, or None while unknown."""
        return None if self.fee is None else to_major(self.fee, self.currency)


class Refund(models.Model):
    """Money on its way back to the shopper. Written before ND8 is asked; only the refund service moves `status`."""

    class Origin(models.TextChoices):
        """Where it was started."""

        SHOP = "shop", _("In this shop")
        PROVIDER = "provider", _("In ND8's dashboard")

    payment = models.ForeignKey(Payment, verbose_name=_("payment"), on_delete=models.PROTECT, related_name="refunds")
    gateway = models.CharField(_("gateway"), max_length=32, default="nd8")
    refund_id = models.CharField(_("ND8 refund"), max_length=255, blank=True)
    reference = models.CharField(_("our reference"), max_length=32, unique=True)
    origin = models.CharField(_("started"), max_length=16, choices=Origin.choices, default=Origin.SHOP)
    status = models.CharField(
        _("status"), max_length=16, choices=_choices(REFUND_LABELS), default=RefundStatus.REQUESTED.value
    )
    status_reason = models.CharField(_("why"), max_length=500, blank=True)
    raw_status = models.CharField(_("ND8's own word"), max_length=64, blank=True)

    currency = models.CharField(_("currency"), max_length=3)
    amount = models.PositiveBigIntegerField(_("amount, tax included, in minor units"))
    reason = models.CharField(_("reason, shown to the customer"), max_length=500, blank=True)
    parts = models.JSONField(_("what it is for"), default=dict, blank=True)
    restock = models.BooleanField(_("put the goods back into stock"), default=False)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("asked for by"),
        null=True,
        on_delete=models.SET_NULL,
        related_name="nd8_refunds",
    )
    form_key = models.UUIDField(_("form"), null=True, unique=True, editable=False)

    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    asked_at = models.DateTimeField(_("as ND8 said at"), null=True)
    closed_at = models.DateTimeField(_("ended"), null=True)
    booked_at = models.DateTimeField(_("booked"), null=True)
    mail_claimed_at = models.DateTimeField(_("mail begun"), null=True)
    mailed_at = models.DateTimeField(_("mail sent"), null=True)
    due_at = models.DateTimeField(_("to be looked at again"), null=True, default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("refund")
        verbose_name_plural = _("refunds")
        ordering: ClassVar = ["-created_at", "-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["refund_id", "gateway"], condition=~Q(refund_id=""), name="nd8_one_row_a_refund"
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="nd8_refund_amount_positive"),
            models.CheckConstraint(
                condition=Q(booked_at__isnull=True) | Q(status=RefundStatus.COMPLETED.value),
                name="nd8_booked_means_completed",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["-created_at", "-id"], name="nd8_refund_newest"),
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="nd8_refund_due"),
        ]
        permissions: ClassVar = [("refund_payment", _("Can refund ND8 payments"))]

    def __str__(self) -> str:
        return f"{self.refund_id or self.reference} ({self.status_label})"

    @property
    def state(self) -> RefundStatus:
        """`status` as the enum it is."""
        return RefundStatus(self.status)

    @property
    def status_label(self) -> Any:
        """`status` in words, as a session's."""
        return REFUND_LABELS.get(self.status, self.status)

    @property
    def origin_label(self) -> Any:
        """`origin` in words."""
        return ORIGIN_LABELS.get(self.origin, self.origin)

    @property
    def amount_major(self) -> Any:
        """What the shopper gets back, as a Decimal in major units of `currency`."""
        return to_major(self.amount, self.currency)


ORIGIN_LABELS: Mapping[str, Any] = dict(Refund.Origin.choices)


class WebhookEvent(models.Model):
    """A notification whose signature was right: stored first, processed after, never trusted for its amounts."""

    gateway = models.CharField(_("gateway"), max_length=32, default="nd8")
    delivery_id = models.CharField(_("delivery"), max_length=64)
    name = models.CharField(_("event"), max_length=100)
    body = models.TextField(_("body"))
    checkout_id = models.CharField(_("ND8 checkout"), max_length=255, blank=True)
    transaction_id = models.CharField(_("transaction"), max_length=255, blank=True)
    refund_id = models.CharField(_("ND8 refund"), max_length=255, blank=True)
    status = models.CharField(
        _("status"), max_length=16, choices=_choices(EVENT_LABELS), default=EventStatus.RECEIVED.value
    )
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    last_error = models.CharField(_("last error"), max_length=500, blank=True)
    received_at = models.DateTimeField(_("received"), default=timezone.now, editable=False)
    processed_at = models.DateTimeField(_("processed"), null=True)
    due_at = models.DateTimeField(_("to be looked at again"), null=True, default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("webhook event")
        verbose_name_plural = _("webhook events")
        ordering: ClassVar = ["-received_at", "-pk"]
        constraints: ClassVar = [
            # The id first: staff look for it without naming a gateway.
            models.UniqueConstraint(fields=["delivery_id", "gateway"], name="nd8_one_row_a_delivery")
        ]
        indexes: ClassVar = [
            models.Index(fields=["checkout_id"], name="nd8_event_checkout"),
            models.Index(fields=["transaction_id"], name="nd8_event_transaction"),
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="nd8_event_due"),
            models.Index(fields=["received_at"], name="nd8_event_received"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.delivery_id}"

    @property
    def status_label(self) -> Any:
        """`status` in words, as a session's."""
        return EVENT_LABELS.get(self.status, self.status)


class Attention(models.Model):
    """Something that a person should look at; one row for each kind and subject, so repeats are harmless.

    `subject` is the refund, transaction or checkout that it is about where a session can have several, or none.
    """

    class Kind(models.TextChoices):
        """Why."""

        HELD = "held", _("Paid, but not placed")
        OVERSOLD = "oversold", _("More was sold than is in stock")
        PAID_TWICE = "paid_twice", _("Paid more than once")
        BOUGHT_TWICE = "bought_twice", _("The same basket was bought twice")
        MONEY_LOST = "money_lost", _("The money did not stay")
        VOUCHER_OVERSPENT = "voucher_overspent", _("A voucher was used beyond its limit")
        CLAIMED_ELSEWHERE = "claimed_elsewhere", _("A transaction that belongs to another session")
        UNKNOWN_CHECKOUT = "unknown_checkout", _("A payment for a checkout unknown here")
        UNANSWERED = "unanswered", _("ND8 never said how it ended")
        UNPROCESSED = "unprocessed", _("A message of ND8's that cannot be processed")
        REFUND_FAILED = "refund_failed", _("A refund did not go through")
        REFUND_ODD = "refund_odd", _("A refund that does not add up")
        REFUND_EXCESS = "refund_excess", _("More goes back than was paid")

    class Resolution(models.TextChoices):
        """How it ended."""

        PLACED = "placed", _("The order was placed")
        REFUNDED = "refunded", _("The payment was refunded")
        DISMISSED = "dismissed", _("Dismissed")
        BY_ITSELF = "by_itself", _("It settled by itself")

    session = models.ForeignKey(
        PaymentSession, verbose_name=_("session"), null=True, on_delete=models.PROTECT, related_name="attentions"
    )
    kind = models.CharField(_("why"), max_length=32, choices=Kind.choices)
    subject = models.CharField(_("about"), max_length=255, blank=True)
    detail = models.TextField(_("what happened, and what to do"))
    created_at = models.DateTimeField(_("since"), default=timezone.now, editable=False)
    mail_claimed_at = models.DateTimeField(_("mail begun"), null=True, editable=False)
    mailed_at = models.DateTimeField(_("staff told by mail"), null=True)
    resolved_at = models.DateTimeField(_("settled"), null=True)
    resolution = models.CharField(_("how it ended"), max_length=16, choices=Resolution.choices, blank=True)

    class Meta:
        verbose_name = _("matter for staff")
        verbose_name_plural = _("matters for staff")
        ordering: ClassVar = ["-created_at", "-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["session", "kind", "subject"], name="nd8_one_matter_a_kind"),
            # Two NULLs differ for a database: a matter without a session is told apart by its subject alone.
            models.UniqueConstraint(
                fields=["kind", "subject"], condition=Q(session__isnull=True), name="nd8_one_matter_a_subject"
            ),
            models.CheckConstraint(
                condition=Q(session__isnull=False) | ~Q(subject=""), name="nd8_matter_has_a_subject"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["created_at"], condition=Q(resolved_at__isnull=True), name="nd8_attention_open")
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.session.order_number if self.session else self.subject}"


class StaffAction(models.Model):
    """Who did what, when, and why: written by the services that staff call, changed by nobody."""

    class Verb(models.TextChoices):
        """What was done."""

        PLACE = "place", _("Decided to place the order")
        DISMISS = "dismiss", _("Dismissed a matter")
        REFUND = "refund", _("Asked for a refund")
        REPLAY = "replay", _("Had notifications processed again")
        ASK = "ask", _("Asked ND8 again")
        LINK = "link", _("Made, changed or deleted a payment link")
        ACCOUNT = "account", _("Changed the account at ND8")

    # The verbs that decide a matter.
    DECISIONS: ClassVar = [Verb.PLACE, Verb.DISMISS]

    session = models.ForeignKey(
        PaymentSession, verbose_name=_("session"), null=True, on_delete=models.PROTECT, related_name="staff_actions"
    )
    attention = models.ForeignKey(
        Attention, verbose_name=_("matter"), null=True, on_delete=models.PROTECT, related_name="staff_actions"
    )
    refund = models.ForeignKey(
        Refund, verbose_name=_("refund"), null=True, on_delete=models.PROTECT, related_name="staff_actions"
    )
    link = models.ForeignKey(
        PaymentLink, verbose_name=_("payment link"), null=True, on_delete=models.PROTECT, related_name="staff_actions"
    )
    verb = models.CharField(_("what"), max_length=16, choices=Verb.choices)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        null=True,
        on_delete=models.SET_NULL,
        related_name="nd8_actions",
    )
    # Kept beside the user, because an account can be deleted and evidence cannot.
    user_name = models.CharField(_("by"), max_length=255, blank=True)
    note = models.TextField(_("note"), blank=True)
    # The newest change that the page showed, 0 for none: of two clicks on one page the database takes one.
    follows = models.BigIntegerField(_("follows"), null=True, unique=True, editable=False)
    created_at = models.DateTimeField(_("when"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("staff action")
        verbose_name_plural = _("staff actions")
        ordering: ClassVar = ["created_at", "pk"]

    def __str__(self) -> str:
        return f"{self.get_verb_display()} ({self.who})"

    @property
    def who(self) -> str:
        """Name and address of whoever did it."""
        return self.user_name or gettext("Somebody at the server's console")
