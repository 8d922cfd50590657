"""Signals for other people's code: sent after commit with `send_robust`, so a receiver can break nothing.

`sender` is always the `PaymentSession` class, except for refunds, where it is `Refund`.

- `session_opened(session)`: the shopper can pay; the hosted page's address is known.
- `payment_confirmed(session, payment)`: ND8 confirmed that the session is paid. Sent once a session.
- `order_placed(session, order)`: the order is written, its ledger booked. Sent once a session.
- `attention_needed(session, attention)`: a person should look; `attention.kind` and `.detail` say why. `session` is
  None for a matter about no payment of this shop.
- `refund_completed(refund)`: ND8 gave money back; booked where the ledger of its order can take it. Sent once a refund.
- `refund_failed(refund)`: a refund ended without moving money; `refund.status_reason` says why.
"""

from django.dispatch import Signal

__all__ = [
    "attention_needed",
    "order_placed",
    "payment_confirmed",
    "refund_completed",
    "refund_failed",
    "session_opened",
]

session_opened = Signal()
payment_confirmed = Signal()
order_placed = Signal()
attention_needed = Signal()
refund_completed = Signal()
refund_failed = Signal()
