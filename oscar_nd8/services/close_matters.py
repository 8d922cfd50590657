"""Matters that need nobody any more, because of what happened elsewhere."""

from collections.abc import Iterable

from django.utils import timezone

from oscar_nd8.models import Attention, PaymentSession

__all__ = ["close_matters"]


def close_matters(
    session: PaymentSession | None,
    kinds: Iterable[Attention.Kind],
    resolution: Attention.Resolution,
    *,
    subject: str | None = None,
) -> int:
    """Settle the open matters of these kinds as `resolution`; returns how many. `subject` narrows to one of several."""
    matters = Attention.objects.filter(session=session, kind__in=list(kinds), resolved_at__isnull=True)
    if subject is not None:
        matters = matters.filter(subject=subject)
    return matters.update(resolved_at=timezone.now(), resolution=resolution)
