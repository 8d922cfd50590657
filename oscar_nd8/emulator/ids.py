"""Ids, tokens and delivery ids: unguessable by default, repeatable with a seed."""

import base64
import hashlib
import hmac
import json
import random
import string
import uuid

ALPHABET = string.ascii_letters + string.digits


class Ids:
    """Everything random in the emulator comes from here."""

    def __init__(self, seed: int | None) -> None:
        self.random = random.SystemRandom() if seed is None else random.Random(seed)  # noqa: S311  # seeded on demand
        self._numbers = 0
        self._secret = self.random.randbytes(32)

    def public(self, prefix: str, length: int) -> str:
        """An id as ND8 shows it: `TXabc123…`."""
        return prefix + "".join(self.random.choices(ALPHABET, k=length))

    def number(self) -> int:
        """The next numeric id; transactions and refunds share one sequence, so that they never look alike."""
        self._numbers += 1
        return self._numbers

    def uuid(self) -> str:
        """A UUID of version 4."""
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def secret(self, prefix: str) -> str:
        """A credential that is shown once: `whsec_…`, `sk_…`."""
        return self.public(prefix, 40)

    def session_token(self, checkout_id: str, expires_at: int) -> str:
        """A long, signed token for the hosted page's address."""
        claims = {"checkout": checkout_id, "exp": expires_at, "nonce": self.public("", 64)}
        head, body = _encode(b'{"alg":"HS256","typ":"JWT"}'), _encode(json.dumps(claims).encode())
        signature = hmac.digest(self._secret, f"{head}.{body}".encode(), hashlib.sha256)
        return f"{head}.{body}.{_encode(signature)}"


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
