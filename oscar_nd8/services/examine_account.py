"""Whether the account at the provider and the shop's settings agree: one finding for each subject."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from urllib.parse import urlsplit

from django.urls import NoReverseMatch

from oscar_nd8.conf import ND8Settings, is_debug, is_placeholder
from oscar_nd8.findings import Finding, Level, Subject
from oscar_nd8.gateway import Access, AccountReport, Right
from oscar_nd8.shop.addresses import absolute, address_of, leads_to

__all__ = ["ACCOUNT", "LOCAL", "examine_account", "examine_keys"]

# Payment pages close at a time that ND8 says: beyond the second limit the shop takes open ones for closed.
CLOCK_OFF, CLOCK_WRONG = timedelta(minutes=1), timedelta(minutes=10)

# The words for what a shop cannot do without a right, and how bad that is.
RIGHTS: Mapping[Right, tuple[Subject, Level, str]] = {
    Right.OPEN: (Subject.MAY_OPEN, Level.ERROR, "no shopper can begin to pay"),
    Right.READ: (Subject.MAY_READ, Level.ERROR, "no payment can be confirmed, so no order is placed"),
    Right.READ_REFUNDS: (Subject.MAY_READ_REFUNDS, Level.WARNING, "refunds cannot be followed up"),
    Right.REFUND: (Subject.MAY_REFUND, Level.WARNING, "staff cannot refund from the shop"),
}
LOCAL = (Subject.ENVIRONMENT, Subject.WEBHOOK_SECRET)
ACCOUNT = (
    Subject.REACHABLE,
    Subject.API_KEY,
    *(subject for subject, _level, _without in RIGHTS.values()),
    Subject.CLOCK,
    Subject.MERCHANT_TOKEN,
    Subject.PRICE_MODE,
    Subject.AMOUNTS,
    Subject.WEBHOOK_ADDRESS,
)


def examine_keys(settings: ND8Settings) -> list[Finding]:
    """What the settings alone tell: where money moves, and who may sign."""
    return [_environment(settings), _webhook_secret(settings)]


def examine_account(settings: ND8Settings, report: AccountReport, *, domain: str) -> list[Finding]:
    """What the provider said, beside what the settings say. `domain` is the current site's, "" where unknown."""
    if report.trouble:
        unasked = [_skip(subject, "ND8 could not be asked.") for subject in ACCOUNT if subject is not Subject.REACHABLE]
        return [_unreachable(settings, report.trouble), *unasked]
    return [
        Finding(Subject.REACHABLE, Level.OK, f"ND8 answers at {settings.BASE_URL}."),
        _api_key(settings, report),
        *(_right(right, report) for right in RIGHTS),
        _clock(report),
        _merchant_token(settings, report),
        _price_mode(settings, report),
        _amounts(settings, report),
        _webhook_address(report, domain),
    ]


# What the settings alone tell


def _environment(settings: ND8Settings) -> Finding:
    address = settings.BASE_URL
    is_emulated, is_sandbox = address.startswith("http://"), "/sandbox/" in address
    if is_emulated or is_sandbox:
        kind = "an emulator" if is_emulated else "ND8's sandbox"
        fact = f"BASE_URL is {kind}, where no money moves: {address}"
        if is_debug():
            return Finding(Subject.ENVIRONMENT, Level.OK, fact)
        advice = "If this shop delivers goods, set BASE_URL to ND8's own address and API_KEY to a production key."
        return Finding(Subject.ENVIRONMENT, Level.WARNING, f"DEBUG is off, and {fact}", advice)
    fact = f"BASE_URL is for production keys, where money moves: {address}"
    if not is_debug():
        return Finding(Subject.ENVIRONMENT, Level.OK, fact)
    advice = (
        "To try things out use a sandbox key with /sandbox/api/, or the emulator. In a real shop set DEBUG = False."
    )
    return Finding(Subject.ENVIRONMENT, Level.WARNING, f"DEBUG is on, and {fact}", advice)


def _webhook_secret(settings: ND8Settings) -> Finding:
    secrets = [secret.get_secret_value() for secret in settings.WEBHOOK_SECRETS]
    where = "Take the secret from ND8's dashboard, Organization, Webhook."
    if not any(secrets):
        fact = "WEBHOOK_SECRETS is empty: every notification is refused, so no payment is ever confirmed."
        return Finding(Subject.WEBHOOK_SECRET, Level.ERROR, fact, where)
    if any(is_placeholder(secret) for secret in secrets):
        fact = "WEBHOOK_SECRETS holds an empty or placeholder secret: strangers could sign with it."
        return Finding(Subject.WEBHOOK_SECRET, Level.ERROR, fact, f"Keep only secrets that ND8 gave you. {where}")
    match len(secrets):
        case 1:
            return Finding(Subject.WEBHOOK_SECRET, Level.OK, "One webhook secret is set.")
        case 2:
            fact = "Two webhook secrets are accepted, as while one replaces the other."
            return Finding(Subject.WEBHOOK_SECRET, Level.OK, fact)
        case number:
            fact = f"{number} webhook secrets are accepted; a rotation needs two."
            advice = "Remove those that ND8 signs with no longer."
            return Finding(Subject.WEBHOOK_SECRET, Level.WARNING, fact, advice)


# What needs an answer


def _unreachable(settings: ND8Settings, trouble: str) -> Finding:
    return Finding(
        Subject.REACHABLE,
        Level.ERROR,
        f"ND8 gives no usable answer at {settings.BASE_URL}: {trouble}",
        "Is BASE_URL right, and may this machine reach it? If so, ND8 is down: shoppers are told to try again later, "
        "and what was paid meanwhile is settled afterwards.",
    )


def _api_key(settings: ND8Settings, report: AccountReport) -> Finding:
    if report.key is Access.GRANTED:
        return Finding(Subject.API_KEY, Level.OK, "ND8 accepts the API key.")
    if report.key is Access.UNTESTED:
        return _skip(Subject.API_KEY, "The provider does not tell.")
    if report.elsewhere:
        kind = "sandbox" if "/sandbox/" in report.elsewhere else "production"
        fact = f"API_KEY is a {kind} key: ND8 refuses it at {settings.BASE_URL} and accepts it at {report.elsewhere}"
        advice = f"Set BASE_URL to {report.elsewhere}, or API_KEY to a key of the other kind."
    elif is_placeholder(settings.API_KEY.get_secret_value()):
        fact = "API_KEY is empty or a placeholder: no shopper can begin to pay."
        advice = "Take the key from ND8's dashboard, Organization, API keys."
    else:
        fact = "ND8 refuses the API key: no shopper can begin to pay, and no payment is confirmed."
        advice = "Was it rotated or revoked? Take the key from ND8's dashboard, Organization, API keys."
    return Finding(Subject.API_KEY, Level.ERROR, fact, advice)


def _right(right: Right, report: AccountReport) -> Finding:
    subject, level, without = RIGHTS[right]
    permission = report.permissions.get(right)
    if permission is None:
        return _skip(subject, "Not tested: the key is not accepted.")
    match permission.access:
        case Access.GRANTED:
            return Finding(subject, Level.OK, f"The key has the scope {permission.name}: it may {right}.")
        case Access.REFUSED:
            advice = f"Grant {permission.name} to the key in ND8's dashboard, Organization, API keys."
            return Finding(subject, level, f"The key lacks the scope {permission.name}: {without}.", advice)
        case Access.UNTESTED:
            return _skip(subject, f"Not tested: whether the key has the scope {permission.name}. {permission.reason}.")


def _clock(report: AccountReport) -> Finding:
    if report.ahead is None:
        return _skip(Subject.CLOCK, "ND8's answer does not say what time it is there.")
    seconds = abs(round(report.ahead.total_seconds()))
    if abs(report.ahead) <= CLOCK_OFF:
        return Finding(Subject.CLOCK, Level.OK, "This machine's clock agrees with ND8's within a minute.")
    direction = "behind" if report.ahead > timedelta() else "ahead of"
    fact = (
        f"This machine's clock is {seconds} seconds {direction} ND8's: payment pages close at other times than shown."
    )
    level = Level.ERROR if abs(report.ahead) > CLOCK_WRONG else Level.WARNING
    return Finding(Subject.CLOCK, level, fact, "Let the machine set its clock by the network (NTP).")


def _merchant_token(settings: ND8Settings, report: AccountReport) -> Finding:
    if not settings.MERCHANT_TOKEN.get_secret_value():
        fact = "No MERCHANT_TOKEN is set, so what only the merchant can see at ND8 is not compared."
        return _skip(Subject.MERCHANT_TOKEN, fact)
    match report.session:
        case Access.GRANTED:
            return Finding(Subject.MERCHANT_TOKEN, Level.OK, "ND8 accepts the merchant token.")
        case Access.REFUSED:
            fact = "ND8 refuses MERCHANT_TOKEN. Payments work without it; payment links do not."
            advice = "Sign in to ND8's dashboard for a new token, or remove this one."
            return Finding(Subject.MERCHANT_TOKEN, Level.WARNING, fact, advice)
        case Access.UNTESTED:
            return _skip(Subject.MERCHANT_TOKEN, report.session_trouble or "The provider does not tell.")


def _price_mode(settings: ND8Settings, report: AccountReport) -> Finding:
    if report.price_mode is None:
        return _skip(Subject.PRICE_MODE, f"PRICE_MODE is {settings.PRICE_MODE}; {_unknown(report)}")
    if report.price_mode == settings.PRICE_MODE:
        return Finding(Subject.PRICE_MODE, Level.OK, f"PRICE_MODE is {settings.PRICE_MODE}, here and at ND8.")
    fact = (
        f"PRICE_MODE is {settings.PRICE_MODE} here and {report.price_mode} at ND8: shoppers pay a wrong amount of tax."
    )
    return Finding(Subject.PRICE_MODE, Level.ERROR, fact, "Make them agree, best as TTC; docs/settings.md says why.")


def _amounts(settings: ND8Settings, report: AccountReport) -> Finding:
    if report.lowest is None and report.highest is None:
        return _skip(Subject.AMOUNTS, f"MIN_AMOUNTS and MAX_AMOUNTS are not compared; {_unknown(report)}")
    wide = [
        *_too_wide(settings, "MIN_AMOUNTS", settings.MIN_AMOUNTS, report.lowest, lambda ours, theirs: ours < theirs),
        *_too_wide(settings, "MAX_AMOUNTS", settings.MAX_AMOUNTS, report.highest, lambda ours, theirs: ours > theirs),
    ]
    if not wide:
        return Finding(Subject.AMOUNTS, Level.OK, "ND8's limits are not narrower than MIN_AMOUNTS and MAX_AMOUNTS.")
    fact = f"The shop offers payments that ND8 refuses: {'; '.join(wide)}."
    advice = "Narrow them, so that shoppers are told before they press “Pay now”. ND8 names no currency of its limits."
    return Finding(Subject.AMOUNTS, Level.WARNING, fact, advice)


def _too_wide(
    settings: ND8Settings,
    key: str,
    amounts: Mapping[str, Decimal],
    limit: Decimal | None,
    is_wider: Callable[[Decimal, Decimal], bool],
) -> list[str]:
    if limit is None:
        return []
    found = []
    for currency in settings.CURRENCIES:
        ours = amounts.get(currency)
        if ours is None:
            found.append(f"{key} has nothing for {currency}, ND8's limit is {limit}")
        elif is_wider(ours, limit):
            found.append(f"{key} is {ours} for {currency}, ND8's limit is {limit}")
    return found


def _webhook_address(report: AccountReport, domain: str) -> Finding:
    subject = Subject.WEBHOOK_ADDRESS
    try:
        path = address_of("webhook")
    except NoReverseMatch as error:
        return Finding(subject, Level.ERROR, f"The webhook has no address in this shop. {error}", "Add that line.")
    if not domain:
        return _skip(subject, "The shop's own address is not known: django.contrib.sites has no current site.")
    ours, theirs = absolute(domain, path), report.webhook_address
    if theirs is None:
        return _skip(subject, f"ND8 should send to {ours}; {_unknown(report)}")
    if not theirs:
        fact = "ND8 has no webhook address, so it sends nothing and no payment is confirmed."
        return Finding(subject, Level.ERROR, fact, f"Enter {ours} in ND8's dashboard, Organization, Webhook.")
    if any(mark in theirs for mark in ("…", "...", "*")):
        return _skip(subject, f"ND8 shows its address in part only: {theirs}. It should be {ours}")
    return _compared(theirs, ours)


def _compared(theirs: str, ours: str) -> Finding:
    there, here = urlsplit(theirs), urlsplit(ours)
    change = f"Enter {ours} in ND8's dashboard, Organization, Webhook."
    if not leads_to(there.path, "webhook"):
        fact = f"ND8 sends to {theirs}, which is not this shop's webhook {ours}: notifications are lost."
        return Finding(Subject.WEBHOOK_ADDRESS, Level.ERROR, fact, change)
    if there.netloc.lower() != here.netloc.lower():
        fact = f"ND8 sends to {theirs}, but this shop's site is {here.netloc}."
        advice = f"If that host is this shop's, correct the domain of the site in Django's admin. If not: {change}"
        return Finding(Subject.WEBHOOK_ADDRESS, Level.WARNING, fact, advice)
    if there.scheme == "http" and here.scheme == "https":
        fact = f"ND8 sends to {theirs}: a shop that answers http by a redirect to https loses every notification."
        return Finding(Subject.WEBHOOK_ADDRESS, Level.WARNING, fact, change)
    return Finding(Subject.WEBHOOK_ADDRESS, Level.OK, f"ND8 sends to this shop's webhook, {theirs}")


def _unknown(report: AccountReport) -> str:
    because = "ND8 did not say what it has" if report.session is Access.GRANTED else "ND8 tells only a merchant session"
    return f"{because}. Compare it with ND8's dashboard."


def _skip(subject: Subject, because: str) -> Finding:
    return Finding(subject, Level.SKIPPED, because)
