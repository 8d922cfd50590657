"""How often one address may begin payments by a link: enough for a family, too few for trying stolen cards."""

import hashlib
import re
from ipaddress import IPv6Address, ip_address

from django.core.cache import cache
from django.http import HttpRequest

from oscar_nd8.conf import get_settings
from oscar_nd8.models import PaymentLink

__all__ = ["WINDOW", "may_begin"]

WINDOW = 600  # seconds
# "192.0.2.1:443", "[2001:db8::1]:443" and "[2001:db8::1]", as some proxies write them.
WITH_A_PORT = re.compile(r"\[([^\]]*)\](?::\d*)?|([^:]*):\d*")


def may_begin(request: HttpRequest, link: PaymentLink) -> bool:
    """Whether whoever asks may begin one more payment by `link` now; counts it. The address itself is not kept."""
    allowed = get_settings().LINK_STARTS
    if not allowed:
        return True
    who = hashlib.sha256(_address(request).encode("utf-8", "replace")).hexdigest()
    key = f"oscar_nd8:link:{link.pk}:{who}"
    if cache.add(key, 1, WINDOW):
        return True
    try:
        return cache.incr(key) <= allowed
    except ValueError:
        return True  # it ended this moment, or this cache keeps nothing


def _address(request: HttpRequest) -> str:
    """Behind a proxy everybody has the proxy's address, unless the settings name the header that holds theirs."""
    header = get_settings().CLIENT_ADDRESS_HEADER
    told = request.headers.get(header, "") if header else ""
    # A list grows at its end: the last is what our own proxy saw, the others are what the client claims.
    return _network(told.rpartition(",")[2]) or _network(str(request.META.get("REMOTE_ADDR", "")))


def _network(address: str) -> str:
    """What one customer has: an IPv4 address, or 64 bits of an IPv6 one, whose rest is theirs. "" for neither."""
    found = WITH_A_PORT.fullmatch(address.strip())
    try:
        known = ip_address((found[1] or found[2]) if found else address.strip())
    except ValueError:
        return ""
    if isinstance(known, IPv6Address):
        return str(known.ipv4_mapped or int(known) >> 64)
    return str(known)
