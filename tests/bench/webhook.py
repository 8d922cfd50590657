"""The webhook behind a real web server, beside a bare view with one INSERT: bare, and under the shop's middleware."""

import hashlib
import hmac
import json
import os
import statistics
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory

from django.utils import timezone

from oscar_nd8.models import Payment, PaymentSession
from oscar_nd8.services.settle import settle
from oscar_nd8.states import SessionStatus
from tests.bench.figures import Figure, Profile, at_least, at_most, in_turns, percentile, quotient
from tests.bench.load import Load, hammer
from tests.bench.shop import database_url, filled, provider, wait_for
from tests.journeys.running_shop import free_ports

NAME = "webhook"
QUEUES = {
    "queue elsewhere": ("tests.bench.site.queue.ElsewhereBackend", 0.85),
    "its own rows the queue": ("oscar_nd8.inbox.InboxBackend", 0.65),
    "database queue": ("django_tasks_db.DatabaseBackend", 0.65),
    "processed inline": ("django_tasks.backends.immediate.ImmediateBackend", 0.55),
}
MIDDLEWARE = {"without middleware": "none", "under the shop's middleware": "whole"}
SECRET = b"whsec_sandbox"
WORKERS = 2
APPLICATION = "tests.bench.site.wsgi:application"
QUIETLY = ("--log-level", "error", "--workers", str(WORKERS), APPLICATION)
GUNICORN = (sys.executable, "-m", "gunicorn", "--bind", "127.0.0.1:{port}", *QUIETLY)


def run(profile: Profile) -> Iterator[Figure]:
    """Each queue under each middleware."""
    posts, rounds = profile.pick(400, 4000), profile.pick(5, 7)
    with provider() as nd8:
        sessions = [placed_session(number) for number in range(profile.pick(20, 200))]
        for queue, (backend, goal) in QUEUES.items():
            with TemporaryDirectory() as folder:
                meter = Path(folder, "meter")
                environment = {"BENCH_QUEUE": backend, "BENCH_PROVIDER": nd8.url, "BENCH_METER": str(meter)}
                with served(environment) as address:
                    for what, middleware in MIDDLEWARE.items():
                        ours = partial(requests_to, "/nd8/webhook/", sessions, posts, middleware)
                        floor = partial(requests_to, "/floor/", sessions, posts, middleware)
                        yield from _figures(f"{queue}, {what}", goal, _Turns(address, meter, ours, floor), rounds)


@dataclass
class _Turns:
    """The floor and ours, each hammered in its turn; `asked` is how long all workers waited for ND8, in seconds."""

    address: tuple[str, int]
    meter: Path
    requests: Callable[[], list[bytes]]
    floor_requests: Callable[[], list[bytes]]
    asked: list[float] = field(default_factory=list)

    def ours(self) -> Load:
        """One turn."""
        self.meter.write_text("")
        load = hammer(self.address, self.requests())
        self.asked.append(sum(map(float, self.meter.read_text().split())))
        return load

    def floor(self) -> Load:
        """One turn."""
        return hammer(self.address, self.floor_requests())


def _figures(what: str, goal: float, turns: _Turns, rounds: int) -> Iterator[Figure]:
    turns.floor(), turns.ours()  # every worker has imported, connected and warmed up
    turns.asked.clear()
    floors, loads = in_turns(turns.floor, turns.ours, rounds=rounds)
    refused = [head for load in [*floors, *loads] for head in load.refused]
    assert not refused, f"{len(refused)} answers were no 2xx: {refused[0]!r}"
    floor = [load.per_second for load in floors]
    # The provider's time is what the workers spent in their calls to it, each its share.
    ours = [
        len(load.latencies) / (load.seconds - spent / WORKERS) for load, spent in zip(loads, turns.asked, strict=True)
    ]
    detail = f"{statistics.median(ours):.0f}/s beside {statistics.median(floor):.0f}/s"
    yield at_least(goal, f"accepted a second, {what}", quotient(ours, floor), detail=detail)
    if what.startswith("queue elsewhere"):
        slow, floor_slow = ([percentile(load.latencies, 99) for load in each] for each in (loads, floors))
        detail = f"{statistics.median(slow):.1f} ms beside {statistics.median(floor_slow):.1f} ms"
        yield at_most(1.25, f"99th percentile, {what}", quotient(slow, floor_slow), detail=detail)


def placed_session(number: int) -> PaymentSession:
    """A session whose order exists and is booked, as a repeated notification finds it."""
    filled(1, number).pay_now()
    session = PaymentSession.objects.latest("pk")
    Payment.objects.create(session=session, transaction_id=f"TX{session.amount}-{session.pk}")
    settle(session)
    session.refresh_from_db()
    assert session.status == SessionStatus.PLACED, session.status_reason
    return session


def requests_to(path: str, sessions: Sequence[PaymentSession], count: int, middleware: str = "whole") -> list[bytes]:
    """So many notifications about `sessions`, each delivery of its own."""
    return [_request(path, session, middleware) for session, _ in zip(cycle(sessions), range(count), strict=False)]


def _request(path: str, session: PaymentSession, middleware: str) -> bytes:
    body = json.dumps(
        {
            "event": "transaction.status_changed",
            "transaction_id": f"TX{session.amount}-{session.pk}",
            "order_id": session.checkout_id,
            "amount": "9.50",
            "status": "paid",
            "currency": "USD",
            "created_at": "2026-01-01T00:00:00Z",
            "updated_at": "2026-01-01T00:00:00Z",
            "depositAttempts": [{"status": "succeeded", "paymentId": "pi_1", "note": "x" * 1600}],
        }
    ).encode()
    signature = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    fields = {
        "Host": "127.0.0.1",
        "Content-Type": "application/json",
        "Content-Length": len(body),
        "X-Bench-Middleware": middleware,
        "X-Webhook-Event": "transaction.status_changed",
        "X-Webhook-Delivery-Id": uuid.uuid4(),
        "X-Webhook-Timestamp": f"{timezone.now().timestamp():.0f}",
        "X-Webhook-Signature": f"sha256={signature}",
    }
    head = "".join([f"POST {path} HTTP/1.1\r\n", *(f"{name}: {value}\r\n" for name, value in fields.items()), "\r\n"])
    return head.encode() + body


@contextmanager
def served(environment: dict[str, str], command: Sequence[str] = GUNICORN) -> Iterator[tuple[str, int]]:
    """The shop of these benchmarks behind a web server of its own; its address. `{port}` in `command` is the port."""
    (port,) = free_ports(1)
    surroundings = {**os.environ, **environment, "DATABASE_URL": database_url()}
    with subprocess.Popen([part.format(port=port) for part in command], env=surroundings) as process:
        try:
            wait_for(f"http://127.0.0.1:{port}/nowhere/")
            yield "127.0.0.1", port
        finally:
            process.terminate()
