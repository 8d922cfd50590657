"""People who buy at once through all web servers, everything that ND8 tells of it, and what must be true after."""

import random
import secrets
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from django.conf import settings
from django.db.models import Count, Sum
from oscar.core.loading import get_model

from oscar_nd8.models import Attention, PaymentSession, WebhookEvent
from oscar_nd8.states import EventStatus, SessionStatus
from oscar_nd8.testing import ND8, Shopper
from tests.bench.load import Load, hammer
from tests.machines.cluster import Cluster

__all__ = ["burst", "buy_at_once", "notifications", "require_one_order_each", "unprocessed", "wait_until_processed"]

Notifications = list[tuple[bytes, dict[str, str]]]


def buy_at_once(shoppers: Sequence[Shopper], shop: Cluster, nd8: ND8, *, at_once: int) -> list[float]:
    """Each presses the button on one of the web servers and pays; the seconds to the payment page of each."""
    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(lambda shopper, url: _buy(shopper, url, nd8), shoppers, cycle(shop.urls)))


def _buy(shopper: Shopper, url: str, nd8: ND8) -> float:
    token = secrets.token_hex(16)
    cookies = {name: morsel.value for name, morsel in shopper.client.cookies.items()}
    cookies[settings.CSRF_COOKIE_NAME] = token
    with httpx.Client(cookies=cookies, headers={"X-CSRFToken": token}, timeout=120, trust_env=False) as browser:
        began = time.perf_counter()
        answer = browser.post(f"{url}/checkout/preview/", data={"action": "place_order"})
        seconds = time.perf_counter() - began
        page = answer.headers.get("Location", "")
        assert page.startswith(nd8.url), f"{answer.status_code} {page} {answer.text[:500]}"
        paid = browser.post(page, data={"choice": "pay"})
        assert paid.status_code == 303, paid.text[:500]
    return seconds


def notifications(nd8: ND8, *, count: int) -> Notifications:
    """All that ND8 has to tell, again and again up to `count`, half of it twice under one delivery id; shuffled."""
    told = nd8.state["deliveries"]
    found: Notifications = []
    for each in cycle(told):
        headers = {**each["headers"], "X-Webhook-Delivery-Id": str(uuid4())}
        found += [(each["body"].encode(), headers)] * random.choice([1, 1, 2])
        if len(found) >= count:
            break
    random.shuffle(found)
    return found[:count]


def burst(shop: Cluster, told: Notifications, *, connections: int = 8) -> list[Load]:
    """Everything at once to all web servers, each over so many connections."""
    requests = [_request(body, headers) for body, headers in told]
    shares = [requests[number :: len(shop.addresses)] for number in range(len(shop.addresses))]
    with ThreadPoolExecutor(len(shop.addresses)) as pool:
        return list(pool.map(lambda *one: hammer(*one, connections=connections), shop.addresses, shares))


def _request(body: bytes, headers: dict[str, str]) -> bytes:
    fields = {
        "Host": "127.0.0.1",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        **{name: value for name, value in headers.items() if name.lower().startswith("x-webhook")},
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"POST /nd8/webhook/ HTTP/1.1\r\n{lines}\r\n".encode() + body


def unprocessed() -> int:
    """Notifications that nobody has come to yet."""
    return WebhookEvent.objects.filter(status=EventStatus.RECEIVED).count()


def wait_until_processed(*, but: int = 0, seconds: float = 600) -> None:
    """Until all notifications are processed, `but` so many."""
    deadline = time.monotonic() + seconds
    while unprocessed() > but:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{unprocessed()} notifications were not processed in time")
        time.sleep(0.05)


def require_one_order_each(shoppers: Sequence[Shopper], told: Notifications, *, mail: Path) -> None:
    """Nobody paid for nothing, nobody has two orders, nothing told is lost, nothing is left to do."""
    deliveries = {headers["X-Webhook-Delivery-Id"] for _body, headers in told}
    events = WebhookEvent.objects.filter(delivery_id__in=deliveries)
    assert Counter(events.values_list("status", flat=True)) == {EventStatus.PROCESSED.value: len(deliveries)}
    emails = sorted(shopper.email for shopper in shoppers)
    Order: Any = get_model("order", "Order")
    orders = Order.objects.filter(guest_email__in=emails)
    assert sorted(orders.values_list("guest_email", flat=True)) == emails
    booked = orders.annotate(books=Count("sources"), allocated=Sum("sources__amount_allocated"))
    assert [order.number for order in booked if (order.books, order.allocated) != (1, order.total_incl_tax)] == []
    sessions = PaymentSession.objects.filter(email__in=emails)
    assert Counter(sessions.values_list("status", flat=True)) == {SessionStatus.PLACED.value: len(emails)}
    open_ones = events.filter(due_at__isnull=False).count(), sessions.filter(due_at__isnull=False).count()
    assert (open_ones, Attention.objects.filter(session__in=sessions).count()) == ((0, 0), 0)
    mails = "".join(file.read_text() for file in mail.glob("*.log"))
    assert mails.count("Subject: Confirmation of order") == sessions.exclude(mailed_at=None).count() == len(emails)
