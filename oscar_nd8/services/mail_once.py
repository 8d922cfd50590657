"""A mail that goes out once, whoever tries to send it: claimed before it is sent, given back where sending failed."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

__all__ = ["can_be_mailed", "mail_once"]

# Whoever claimed a mail this long ago died before sending it.
CLAIM_LASTS = timedelta(minutes=10)


def can_be_mailed(now: datetime) -> Q:
    """Rows whose mail was not sent, and that nobody is sending right now."""
    free = Q(mail_claimed_at__isnull=True) | Q(mail_claimed_at__lt=now - CLAIM_LASTS)
    return free & Q(mailed_at__isnull=True)


def mail_once(row: QuerySet[Any], send: Callable[[], object], **facts: Any) -> datetime | None:
    """Call `send` where the mail of `row`, one row, is neither sent nor being sent: when it was sent, None if not here.

    `facts` are written with it. Raises what `send` raises.
    """
    now = timezone.now()
    if not row.filter(can_be_mailed(now)).update(mail_claimed_at=now):
        return None
    try:
        send()
    except BaseException:
        # Whoever looks next need not wait until the claim has run out.
        row.update(mail_claimed_at=None)
        raise
    mailed_at = timezone.now()
    row.update(mailed_at=mailed_at, **facts)
    return mailed_at
