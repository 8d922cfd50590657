"""What staff are shown before they decide a matter, and what they are told after."""

import re
from typing import Any

from django.test import Client
from oscar.core.loading import get_model

from oscar_nd8.models import Attention, StaffAction

Order = get_model("order", "Order")


def seen_on(client: Client, path: str) -> dict[str, str]:
    """What the page's form would send besides what is typed."""
    found = re.search(r'name="seen" value="(\d+)"', client.get(path).content.decode())
    assert found
    return {"seen": found[1]}


def told(response: Any) -> str:
    """The messages on the page that follows."""
    return " ".join(str(message) for message in response.context["messages"])


def undecided(matter: Attention) -> bool:
    """Nobody decided anything, and no order was placed."""
    matter.refresh_from_db()
    return matter.resolved_at is None and not StaffAction.objects.exists() and not Order.objects.exists()
