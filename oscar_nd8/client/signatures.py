"""Whether a notification was signed by someone who knows one of our secrets.

ND8 sends `X-Webhook-Signature: sha256=<hex>`, the HMAC-SHA256 of the raw body. No other header is signed,
so a valid signature says who wrote the body, not when, and not that it comes for the first time.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable
from typing import Final

from pydantic import SecretStr

from oscar_nd8.exceptions import SignatureInvalid

__all__ = ["sign", "verify"]

_HEADER: Final = re.compile(r"sha256=([0-9a-fA-F]{64})")


def verify(body: bytes, *, signature: str, secrets: Iterable[str | SecretStr]) -> None:
    """Raise SignatureInvalid unless `signature` is that of the raw `body` under one of `secrets`.

    Takes constant time in the signature and tries every secret. Without any secret nothing is valid.
    """
    keys = [key for secret in secrets if (key := _key(secret))]  # anyone can sign with an empty key
    if not keys:
        raise SignatureInvalid("There is no webhook secret to check notifications with; set one.")
    header = _HEADER.fullmatch(signature)
    if header is None:
        raise SignatureInvalid("The signature header is missing or not of the form sha256=<64 hex digits>.")
    claimed = bytes.fromhex(header[1])
    matches = [hmac.compare_digest(claimed, _digest(body, key)) for key in keys]
    if not any(matches):
        raise SignatureInvalid("The notification was not signed with any of our webhook secrets.")


def sign(body: bytes, secret: str | SecretStr) -> str:
    """The header that ND8 would send for `body`: `sha256=<hex>`. Raises ValueError for an empty secret."""
    key = _key(secret)
    if not key:
        raise ValueError("An empty secret signs nothing: anyone could have done it.")
    return f"sha256={_digest(body, key).hex()}"


def _key(secret: str | SecretStr) -> bytes:
    return (secret.get_secret_value() if isinstance(secret, SecretStr) else secret).encode()


def _digest(body: bytes, key: bytes) -> bytes:
    return hmac.new(key, body, hashlib.sha256).digest()
