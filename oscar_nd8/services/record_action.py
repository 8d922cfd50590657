"""The only writer of staff actions: who did what, kept even when the account is not."""

from typing import Any

from oscar_nd8.models import Attention, PaymentLink, PaymentSession, Refund, StaffAction

__all__ = ["note_outcome", "record_action"]


def record_action(
    verb: StaffAction.Verb,
    *,
    by: Any,
    session: PaymentSession | None = None,
    attention: Attention | None = None,
    refund: Refund | None = None,
    link: PaymentLink | None = None,
    note: str = "",
    follows: int | None = None,
) -> StaffAction:
    """Write down that the user `by` did `verb`; in the transaction of what they did, where it has one.

    `by` None stands for somebody at the server's console, who has no account here.
    Raises IntegrityError if there is another action that `follows` the same one.
    """
    return StaffAction.objects.create(
        verb=verb,
        user=by,
        user_name=_name_of(by),
        session=session,
        attention=attention,
        refund=refund,
        link=link,
        note=note,
        follows=follows,
    )


def note_outcome(action: StaffAction, note: str) -> None:
    """What came of an action that was written down before it was done."""
    action.note = note
    action.save(update_fields=["note"])


def _name_of(user: Any) -> str:
    if user is None:
        return ""
    # Oscar's own registration makes user names up, so people are known by name and e-mail.
    address = getattr(user, user.get_email_field_name(), "") or user.get_username()
    name = user.get_full_name()
    return (f"{name} ({address})" if name else address)[:255]
