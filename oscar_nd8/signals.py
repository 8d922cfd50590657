"""Signals for other people's code: sent after commit with `send_robust`, so a receiver can break nothing.

What happened to money. `sender` is always the `PaymentSession` class, except for refunds, where it is `Refund`.

- `session_opened(session)`: the shopper can pay; the hosted page's address is known.
- `payment_confirmed(session, payment)`: ND8 confirmed that the session is paid. Sent once a session.
- `order_placed(session, order)`: the order is written, its ledger booked. Sent once a session.
- `attention_needed(session, attention)`: a person should look; `attention.kind` and `.detail` say why. `session` is
  None for a matter about no payment of this shop.
- `refund_completed(refund)`: ND8 gave money back; booked where the ledger of its order can take it. Sent once a refund.
- `refund_failed(refund)`: a refund ended without moving money; `refund.status_reason` says why.

How the machinery does, in few words and without names. `sender` is None.

- `session_moved(session_id, status)`: a session reached a status; NEW has no signal.
- `event_processed(event, outcome, seconds)`: a notification was processed, or that failed; `seconds` since it arrived.
- `provider_called(operation, outcome, seconds)`: one request to ND8 ended, or the circuit kept it back.
- `work_finished(work, outcome, seconds)`: a settle, place, refund or reconcile ended.
"""

from django.dispatch import Signal

__all__ = [
    "attention_needed",
    "event_processed",
    "order_placed",
    "payment_confirmed",
    "provider_called",
    "refund_completed",
    "refund_failed",
    "session_moved",
    "session_opened",
    "work_finished",
]

session_opened = Signal()
payment_confirmed = Signal()
order_placed = Signal()
attention_needed = Signal()
refund_completed = Signal()
refund_failed = Signal()

session_moved = Signal()
event_processed = Signal()
provider_called = Signal()
work_finished = Signal()
