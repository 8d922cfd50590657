"""Notifications that ND8 could have sent, signed with the shop's own secret."""

import hashlib
import hmac
import json
from typing import Any
from uuid import uuid4

from oscar_nd8.conf import get_settings


def signed(body: dict[str, Any]) -> tuple[bytes, dict[str, str]]:
    """`body` and the headers it would come with."""
    raw = json.dumps(body).encode()
    secret = get_settings().WEBHOOK_SECRETS[0].get_secret_value()
    digest = hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()
    headers = {
        "X-Webhook-Event": str(body.get("event")),
        "X-Webhook-Delivery-Id": str(uuid4()),
        "X-Webhook-Timestamp": "1",
        "X-Webhook-Signature": f"sha256={digest}",
    }
    return raw, headers
