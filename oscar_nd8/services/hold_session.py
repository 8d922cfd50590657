"""Money that needs a person: the session's status and the matter for staff, both or neither."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from oscar_nd8.models import Attention, PaymentSession
from oscar_nd8.services.move_session import move_session
from oscar_nd8.services.raise_attention import raise_attention
from oscar_nd8.states import SessionStatus

__all__ = ["hold_session"]


def hold_session(session: PaymentSession, reason: str) -> Mapping[str, Any]:
    """Move `session` to HELD for `reason` and tell staff; what was written, as `move_session` says it."""
    # One transaction: a held session without its matter would wait for somebody who never hears of it.
    with transaction.atomic():
        held = move_session(session.pk, SessionStatus.HELD, reason=reason)
        if held:
            raise_attention(session, Attention.Kind.HELD, reason)
    return held
