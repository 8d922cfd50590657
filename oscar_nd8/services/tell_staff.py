"""Staff hear of open matters by mail: each matter once, several in one mail, and not a mail every minute."""

import logging
from datetime import timedelta

from django.db.models import QuerySet
from django.utils import timezone

from oscar_nd8.conf import get_settings
from oscar_nd8.models import Attention
from oscar_nd8.services.mail_once import can_be_mailed
from oscar_nd8.shop.digest import send_digest

__all__ = ["tell_staff"]

logger = logging.getLogger("oscar_nd8")

# A mail with more of them would not be read; the rest follows with the next one.
LARGEST_DIGEST = 50


def tell_staff() -> int:
    """Mail the open matters that nobody was told of to ND8["STAFF_EMAILS"]; returns how many.

    Call it often: nothing is sent sooner than ND8["STAFF_MAIL_INTERVAL"] after the mail before. Raises nothing for
    a mail server that is down: that is logged, and the next call tries again. Safe to run twice at once.
    """
    settings = get_settings()
    now = timezone.now()
    interval = timedelta(seconds=settings.STAFF_MAIL_INTERVAL)
    if not settings.STAFF_EMAILS or Attention.objects.filter(mail_claimed_at__gt=now - interval).exists():
        return 0
    # One by one: of two processes, each matter is claimed by one.
    mine = [
        pk
        for pk in _untold().values_list("pk", flat=True)[:LARGEST_DIGEST]
        if _untold().filter(pk=pk).update(mail_claimed_at=now)
    ]
    if not mine:
        return 0
    claimed = Attention.objects.filter(pk__in=mine)
    matters = list(claimed.select_related("session").prefetch_related("session__payments").order_by("created_at", "pk"))
    others = Attention.objects.filter(resolved_at__isnull=True).exclude(pk__in=mine).count()
    try:
        send_digest(matters, others=others, to=settings.STAFF_EMAILS)
    except Exception:  # a shop's own mail backend may raise anything; the next call tries again
        logger.exception("Staff could not be told of %s matters", len(mine))
        claimed.update(mail_claimed_at=None)
        return 0
    claimed.update(mailed_at=timezone.now())
    logger.info("Staff were told of %s matters", len(mine))
    return len(mine)


def _untold() -> QuerySet[Attention]:
    waiting = Attention.objects.filter(can_be_mailed(timezone.now()), resolved_at__isnull=True)
    return waiting.order_by("created_at", "pk")
