"""What can go wrong, sorted by what the caller should do next.

ND8Error
├── SignatureInvalid            a notification was not signed with one of our secrets: refuse it
├── AmountsDisagree             items would not add up to the total: send nothing
├── NotOffered                  this basket cannot be paid by ND8; the message tells the shopper why
├── NotReusable                 a payment for the same basket is being prepared right now: wait a moment
├── QuoteUnplaceable            a paid quote cannot become an order as agreed: a person decides
├── DecisionRefused             what a member of staff decided cannot be done; the message tells them why
└── ProviderError               ND8 said no, said nothing, or said something unreadable
    ├── RequestRejected         do not repeat the same request
    │   ├── CredentialsRejected     401: the key or token is wrong or was rotated
    │   ├── ScopeMissing            403: the key may not do this
    │   ├── NotFound                404
    │   └── NoLongerAvailable       410: inactive, expired or used up
    ├── ProviderUnavailable     nothing happened at ND8; the same request may be made later
    │   ├── RateLimited             429: not before `retry_after` seconds
    │   └── CircuitOpen             not sent: the provider failed repeatedly; not before `retry_after` seconds
    └── OutcomeUnknown          a write may or may not have happened: find out, never repeat it blindly
"""

__all__ = [
    "HOPELESS",
    "AmountsDisagree",
    "CircuitOpen",
    "CredentialsRejected",
    "DecisionRefused",
    "ND8Error",
    "NoLongerAvailable",
    "NotFound",
    "NotOffered",
    "NotReusable",
    "OutcomeUnknown",
    "ProviderError",
    "ProviderUnavailable",
    "QuoteUnplaceable",
    "RateLimited",
    "RequestRejected",
    "ScopeMissing",
    "SignatureInvalid",
]


class ND8Error(Exception):
    """Root of everything this package raises on purpose."""


class SignatureInvalid(ND8Error):
    """The body of a notification does not match its signature under any of our secrets."""


class AmountsDisagree(ND8Error):
    """Amounts that must be equal to the minor unit are not; nothing was sent."""


class NotOffered(ND8Error):
    """ND8 cannot take this payment; `str()` is a sentence for the shopper."""


class NotReusable(ND8Error):
    """The same payment is being prepared by another request; `str()` is a sentence for the shopper."""


class QuoteUnplaceable(ND8Error):
    """What was agreed cannot be written as an order any more; `str()` says what is in the way."""


class DecisionRefused(ND8Error):
    """A matter cannot be decided like this, or not any more; `str()` is a sentence for staff. Nothing was changed."""


class ProviderError(ND8Error):
    """A call to the provider did not give its answer.

    `operation` is ND8's operationId, `status` the HTTP status if there was an answer, `detail` ND8's own
    sentence where it gave one. Never holds a body, a header or a secret.
    """

    def __init__(self, message: str, *, operation: str = "", status: int | None = None, detail: str = "") -> None:
        super().__init__(message)
        self.operation = operation
        self.status = status
        self.detail = detail


class RequestRejected(ProviderError):
    """The provider understood and refused: repeating the same request cannot help."""


class CredentialsRejected(RequestRejected):
    """401: the API key or merchant token is missing, wrong or was rotated."""


class ScopeMissing(RequestRejected):
    """403: the key is known but may not do this; `scope` names what it lacks, if known."""

    def __init__(
        self,
        message: str,
        *,
        scope: str = "",
        operation: str = "",
        status: int | None = None,
        detail: str = "",
    ) -> None:
        super().__init__(message, operation=operation, status=status, detail=detail)
        self.scope = scope


class NotFound(RequestRejected):
    """404: the provider knows no such thing under these credentials."""


class NoLongerAvailable(RequestRejected):
    """410: it existed, and is inactive, expired or used up."""


class ProviderUnavailable(ProviderError):
    """Nothing happened at the provider (or only a read failed): asking again later is harmless.

    `retry_after` is in seconds, None when the provider did not say.
    """

    def __init__(
        self,
        message: str,
        *,
        retry_after: float | None = None,
        operation: str = "",
        status: int | None = None,
        detail: str = "",
    ) -> None:
        super().__init__(message, operation=operation, status=status, detail=detail)
        self.retry_after = retry_after


class RateLimited(ProviderUnavailable):
    """429: too many requests, none of which happened."""


class CircuitOpen(ProviderUnavailable):
    """Nothing was sent: the provider failed at several calls in a row and is left alone for `retry_after` seconds."""


class OutcomeUnknown(ProviderError):
    """A write was sent and its answer lost or unreadable: it may have happened. Find out before repeating."""


HOPELESS = (CircuitOpen, CredentialsRejected, RateLimited, ScopeMissing)
"""After one of these any other call would fare alike, so whoever has a list of them ends here."""
