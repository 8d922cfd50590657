"""A mail server that is down."""

from collections.abc import Sequence
from typing import Any

from django.core.mail.backends.base import BaseEmailBackend


class Refusing(BaseEmailBackend):
    """Refuses every message."""

    def send_messages(self, email_messages: Sequence[Any]) -> int:
        """As an SMTP server that closed its door."""
        raise ConnectionRefusedError("The mail server is down.")
