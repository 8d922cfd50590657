"""Django admin: evidence of everything kept, and the pages on which staff decide and refund.

Django reads this at every start, also of a process that never shows a page; so all that the pages stand on is
imported where they are asked for.
"""

from oscar_nd8.admin.evidence import (
    AttentionAdmin,
    PaymentAdmin,
    PaymentSessionAdmin,
    RefundAdmin,
    StaffActionAdmin,
    WebhookEventAdmin,
)

__all__ = [
    "AttentionAdmin",
    "PaymentAdmin",
    "PaymentSessionAdmin",
    "RefundAdmin",
    "StaffActionAdmin",
    "WebhookEventAdmin",
]
