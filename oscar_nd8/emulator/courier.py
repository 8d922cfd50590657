"""How webhooks travel: signed, in order, tried again until the shop answers 2xx, or spoiled as a control call asks."""

import hashlib
import hmac
import json
import random
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import httpx

SHUFFLE_WINDOW = 0.3  # seconds in which webhooks are gathered before they go out in another order
RETRY_DELAYS = (0.5, 1, 2, 4, 8)  # seconds after each try that got no 2xx


@dataclass(frozen=True, slots=True)
class Mode:
    """How webhooks go out from now on."""

    copies: int = 1
    delay: float = 0
    drop: bool = False
    shuffle: bool = False
    bad_signature: bool = False
    retry_delays: Sequence[float] = RETRY_DELAYS


@dataclass(frozen=True, slots=True)
class Try:
    """One request to the shop: its answer's status, or why there was none."""

    at: datetime
    status: int | None
    error: str | None


@dataclass(slots=True, eq=False)
class Delivery:
    """One webhook under one delivery id, with everything that was tried."""

    delivery_id: str
    event: str
    body: bytes
    url: str
    secret: str
    mode: Mode
    created_at: datetime
    state: str = "waiting"
    resend_of: str | None = None
    tries: list[Try] = field(default_factory=list)

    @property
    def signature(self) -> str:
        """The value of X-Webhook-Signature: an HMAC of the raw body."""
        secret = f"not {self.secret}" if self.mode.bad_signature else self.secret
        return "sha256=" + hmac.new(secret.encode(), self.body, hashlib.sha256).hexdigest()

    def headers(self, at: datetime) -> dict[str, str]:
        """What goes with the body at that moment; the signature covers none of it."""
        return {
            "Content-Type": "application/json",
            "User-Agent": "ND8-Webhooks",
            "X-Webhook-Event": self.event,
            "X-Webhook-Delivery-Id": self.delivery_id,
            "X-Webhook-Timestamp": str(int(at.timestamp())),
            "X-Webhook-Signature": self.signature,
        }


class Courier:
    """Carries deliveries on threads of its own; its public methods are called with the world's lock held."""

    def __init__(
        self,
        *,
        lock: threading.RLock,
        clock: Callable[[], datetime],
        new_id: Callable[[], str],
        chance: random.Random,
        http: httpx.Client,
        mode: Mode,
    ) -> None:
        self.deliveries: list[Delivery] = []
        self.mode = mode
        self._lock, self._clock, self._new_id, self._chance, self._http = lock, clock, new_id, chance, http
        self._stopped = threading.Event()
        self._newest: dict[str, threading.Event] = {}
        self._gathered: list[Delivery] = []

    def send(self, event: str, body: Mapping[str, object], *, subject: str, url: str, secret: str) -> None:
        """Send `body` in as many copies as the mode says; first tries of one `subject` keep their order."""
        raw = json.dumps(body, separators=(",", ":")).encode()
        copies = [self._record(event, raw, url=url, secret=secret) for _ in range(self.mode.copies)]
        if self.mode.drop or not url:
            for one in copies:
                one.state = "dropped" if self.mode.drop else "unsent"
        elif self.mode.shuffle:
            self._gather(copies)
        else:
            before = self._newest.get(subject, _opened())
            self._newest[subject] = [self._start(one, after=before) for one in copies][-1]

    def resend(self, old: Delivery, *, url: str, secret: str, keep_id: bool) -> Delivery:
        """Send the same body once more by hand: at once and correctly signed, whatever the mode."""
        mode = Mode(retry_delays=self.mode.retry_delays)
        again = Delivery(
            delivery_id=old.delivery_id if keep_id else self._new_id(),
            event=old.event,
            body=old.body,
            url=url,
            secret=secret,
            mode=mode,
            created_at=self._clock(),
            resend_of=old.delivery_id,
        )
        self.deliveries.append(again)
        if url:
            self._start(again, after=_opened())
        else:
            again.state = "unsent"
        return again

    def stop(self) -> None:
        """Give up everything that is not under way."""
        self._stopped.set()

    def _record(self, event: str, raw: bytes, *, url: str, secret: str) -> Delivery:
        delivery = Delivery(
            delivery_id=self._new_id(),
            event=event,
            body=raw,
            url=url,
            secret=secret,
            mode=self.mode,
            created_at=self._clock(),
        )
        self.deliveries.append(delivery)
        return delivery

    def _start(self, delivery: Delivery, *, after: threading.Event) -> threading.Event:
        tried = threading.Event()
        threading.Thread(target=self._carry, args=(delivery, after, tried), daemon=True).start()
        return tried

    def _carry(self, delivery: Delivery, after: threading.Event, tried: threading.Event) -> None:
        after.wait()
        try:
            self._stopped.wait(delivery.mode.delay)
            arrived = self._try(delivery)
        finally:
            tried.set()
        for pause in delivery.mode.retry_delays:
            if arrived or self._stopped.wait(pause):
                break
            arrived = self._try(delivery)
        with self._lock:
            delivery.state = "delivered" if arrived else "failed"

    def _try(self, delivery: Delivery) -> bool:
        if self._stopped.is_set():
            return False
        at = self._clock()
        try:
            answer = self._http.post(delivery.url, content=delivery.body, headers=delivery.headers(at))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            outcome = Try(at=at, status=None, error=f"{type(error).__name__}: {error}")
        else:
            outcome = Try(at=at, status=answer.status_code, error=None)
        with self._lock:
            delivery.tries.append(outcome)
        return outcome.status is not None and 200 <= outcome.status < 300

    def _gather(self, deliveries: list[Delivery]) -> None:
        if not self._gathered:
            threading.Thread(target=self._send_shuffled, daemon=True).start()
        self._gathered += deliveries

    def _send_shuffled(self) -> None:
        self._stopped.wait(SHUFFLE_WINDOW)
        with self._lock:
            waiting, self._gathered = self._gathered, []
            order = self._chance.sample(waiting, k=len(waiting))
            if order == waiting:
                order.reverse()
            before = _opened()
            for delivery in order:
                before = self._start(delivery, after=before)


def _opened() -> threading.Event:
    event = threading.Event()
    event.set()
    return event
