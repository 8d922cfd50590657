"""settings.ND8, validated once and lazily; nothing else in this package reads it."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.exceptions import ValidationError as InvalidEmail
from django.core.signals import setting_changed
from django.core.validators import validate_email
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)

__all__ = [
    "LOOPBACK",
    "MOST_WORKERS",
    "ND8Settings",
    "default_currency",
    "get_settings",
    "is_debug",
    "is_placeholder",
    "keeps_connections",
    "redacted",
]

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
# As many connections as the client has: whoever asks beyond them only waits.
MOST_WORKERS = 32
# What people paste before they have a key of their own.
PLACEHOLDERS = (
    "changeme",
    "change-me",
    "your_key",
    "your-key",
    "yourkey",
    "xxx",
    "<",
    "example",
    "todo",
    "…",
)


def _base_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be an absolute URL like https://host/api/")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise ValueError("must be https: the API key would travel in clear")
    return value if value.endswith("/") else f"{value}/"


def _host(value: str) -> str:
    if not value or "/" in value or "@" in value:
        raise ValueError("is a host name, with a port where it is not the scheme's own: pay.example.com")
    return value.lower()


def _plain_amounts(value: Any) -> Any:
    if isinstance(value, dict) and any(isinstance(amount, float) for amount in value.values()):
        raise ValueError('amounts are strings or Decimals, like "0.50": a float is not exact')
    return value


def _email(value: str) -> str:
    try:
        validate_email(value)
    except InvalidEmail:
        raise ValueError("is an e-mail address, like staff@example.com") from None
    return value


Email = Annotated[str, AfterValidator(_email)]
Host = Annotated[str, AfterValidator(_host)]
Amounts = Annotated[dict[str, Annotated[Decimal, Field(ge=0, allow_inf_nan=False)]], BeforeValidator(_plain_amounts)]


class ND8Settings(BaseModel):
    """The keys of the dict `ND8` in a shop's settings. Amounts are major units of their currency."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    API_KEY: SecretStr
    """Server key with the scopes checkout:create and payments:read, and refunds:write for giving money back."""
    WEBHOOK_SECRETS: tuple[SecretStr, ...] = ()
    """Secrets that notifications may be signed with: the newest first, the old one beside it while rotating."""
    MERCHANT_TOKEN: SecretStr = SecretStr("")
    """Token of a merchant session; needed for payment links and the organization only."""
    BASE_URL: Annotated[str, AfterValidator(_base_url)] = "https://api.sandbox.nd8.com/api/"
    """Where the API is served; sandbox keys use the prefix /sandbox/api/ on the same host."""
    CHECKOUT_HOSTS: tuple[Host, ...]
    """Hosts that a shopper may be sent to for paying; any other hosted page is refused."""
    PRICE_MODE: Literal["TTC", "HT"] = "TTC"
    """How ND8 reads our prices: TTC, they include tax; HT, ND8 adds tax on its page."""
    CURRENCIES: tuple[Literal["USD", "EUR"], ...] = ("USD", "EUR")
    """Currencies that the account takes."""
    MIN_AMOUNTS: Amounts = {}
    """Smallest total that ND8 takes, for each currency."""
    MAX_AMOUNTS: Amounts = {}
    """Largest total that ND8 takes, for each currency."""
    OTHER_METHODS: dict[str, Any] = {}
    """Payment methods that stand beside ND8: code to name. Their payment is the shop's own `handle_payment`."""
    MAX_FEE_PERCENT: Annotated[Decimal, Field(ge=0, le=100)] = Decimal(20)
    """A payment whose implied fee is above this share of the total (plus MAX_FEE_FIXED) is held."""
    MAX_FEE_FIXED: Annotated[Decimal, Field(ge=0)] = Decimal("1.00")
    """Fixed part of the fee limit, in the payment's currency."""
    SOURCE_TYPE: Annotated[str, Field(min_length=1, max_length=128)] = "ND8"
    """Name of Oscar's payment source type that payments are booked under."""
    CONNECT_TIMEOUT: Annotated[float, Field(gt=0, le=60)] = 5.0
    """Seconds for opening a connection to ND8."""
    READ_TIMEOUT: Annotated[float, Field(gt=0, le=120)] = 15.0
    """Seconds for one answer of ND8."""
    READ_BUDGET: Annotated[float, Field(gt=0, le=120)] = 8.0
    """Seconds for a read with all its retries; a shopper may be waiting."""
    PREPARE_WAIT: Annotated[float, Field(ge=0, le=30)] = 6.0
    """Seconds that the second click of a double click waits for the first one's payment page."""
    HEALTH_TOKEN: SecretStr = SecretStr("")
    """What a monitor presents to read `nd8:health`; without it signed-in staff only can."""
    STAFF_EMAILS: tuple[Email, ...] = ()
    """Who is told by mail of matters that need a person; nobody where it is empty."""
    STAFF_MAIL_INTERVAL: Annotated[int, Field(ge=0, le=86400)] = 900
    """Seconds between two such mails, at least."""
    REFUND_LOST_AFTER: Annotated[int, Field(ge=60, le=86400)] = 900
    """Seconds after which a refund whose answer was lost, and that ND8 does not list, is taken as never received."""
    MAX_OPEN_PAGES: Annotated[int, Field(ge=1, le=1000)] = 10
    """Payment pages that a customer, or a basket, may have open at once."""
    RECONCILE_WORKERS: Annotated[int, Field(ge=1, le=MOST_WORKERS)] = 4
    """Questions that `nd8_reconcile` asks ND8 at once; on SQLite it is always one."""
    RECONCILE_DAYS: Annotated[int, Field(ge=1, le=3650)] = 30
    """Days after which ND8 is not asked any more about what it never gave a final answer to."""
    KEEP_UNPAID_DAYS: Annotated[int, Field(ge=1, le=3650)] = 30
    """Days after which the frozen basket of a session that ended unpaid is deleted; the session itself stays."""
    REFUND_ORDER_STATUS: Annotated[str, Field(max_length=100)] = ""
    """Status that an order moves to when all its money went back; "" leaves orders as they are."""
    KEEP_EVENTS_DAYS: Annotated[int, Field(ge=1, le=3650)] = 180
    """Days after which a notification that is done with is deleted; failed and unmatched ones are kept."""
    TELL_UNKNOWN_CHECKOUTS: bool = True
    """Whether staff hear of payments for checkouts that this shop never made; off where shops share one account."""

    LINK_STARTS: Annotated[int, Field(ge=0, le=100_000)] = 20
    """Payments that one address may begin by one payment link in ten minutes; 0: any number."""
    CLIENT_ADDRESS_HEADER: str = ""
    """Header in which your own proxy says whose request it is, like X-Forwarded-For; empty: there is no proxy."""

    @property
    def answered_within(self) -> timedelta:
        """No call to ND8 that is under way is older: whoever made it died."""
        return max(timedelta(minutes=2), timedelta(seconds=2 * (self.CONNECT_TIMEOUT + self.READ_TIMEOUT)))

    @model_validator(mode="after")
    def _bounds(self) -> "ND8Settings":
        for currency, lowest in self.MIN_AMOUNTS.items():
            if lowest > self.MAX_AMOUNTS.get(currency, lowest):
                raise ValueError(f"MIN_AMOUNTS of {currency} is above MAX_AMOUNTS")
        if not self.CURRENCIES:
            raise ValueError("CURRENCIES is empty: ND8 would never be offered")
        if not self.CHECKOUT_HOSTS:
            raise ValueError("CHECKOUT_HOSTS is empty: no shopper could be sent to pay")
        return self


# Shorter ones are parts of any word.
SHORTEST_SECRET = 4
SECRETS = ("API_KEY", "WEBHOOK_SECRETS", "MERCHANT_TOKEN", "HEALTH_TOKEN")


@cache
def get_settings() -> ND8Settings:
    """The shop's settings; ImproperlyConfigured names each wrong key and never a value."""
    given = getattr(settings, "ND8", None)
    if not isinstance(given, dict):
        raise ImproperlyConfigured(
            'settings.ND8 is missing: a dict like {"API_KEY": …, "WEBHOOK_SECRETS": […], "CHECKOUT_HOSTS": […]}.'
        )
    try:
        return ND8Settings.model_validate(given)
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, item['loc'])) or 'ND8'}: {item['msg'].removeprefix('Value error, ')}"
            for item in error.errors(include_input=False, include_url=False)
        )
        # `from None`: pydantic's own error would be shown with it, and adds nothing.
        raise ImproperlyConfigured(f"settings.ND8 is wrong: {wrong}") from None


def is_debug() -> bool:
    """Whether the project runs in development."""
    return bool(settings.DEBUG)


def keeps_connections(vendor: str, database: Mapping[str, Any]) -> bool:
    """Whether a request finds a connection to such an entry of DATABASES open; opening SQLite costs next to nothing."""
    return vendor == "sqlite" or database.get("CONN_MAX_AGE") != 0 or bool(database.get("OPTIONS", {}).get("pool"))


def default_currency() -> str:
    """The currency of prices that name none; Oscar's own default where the project has none."""
    return str(getattr(settings, "OSCAR_DEFAULT_CURRENCY", "GBP"))


def is_placeholder(secret: str) -> bool:
    """Whether it is empty, or what people write before they have one."""
    return not secret.strip() or any(word in secret.lower() for word in PLACEHOLDERS)


def redacted(text: str) -> str:
    """`text` without the project's secrets: for errors of other people's code. Works with wrong settings too."""
    given = getattr(settings, "ND8", None)
    values = [given.get(key) for key in SECRETS] if isinstance(given, dict) else []
    values += [database.get("PASSWORD") for database in settings.DATABASES.values()]
    flat = [each for value in values for each in (value if isinstance(value, list | tuple) else [value])]
    for secret in {str(each) for each in flat if each and len(str(each)) >= SHORTEST_SECRET}:
        text = text.replace(secret, "[secret]")
    return text


def _forget(*, setting: str, **_: Any) -> None:
    if setting == "ND8":
        get_settings.cache_clear()


setting_changed.connect(_forget, dispatch_uid="oscar_nd8.conf")
