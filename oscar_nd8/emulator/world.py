"""Everything the emulator knows, behind one lock, and how it starts over."""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Generic, TypeVar

import httpx

from .access import ENVIRONMENTS
from .courier import RETRY_DELAYS, Courier, Mode
from .credentials import Credentials
from .faults import Faults
from .ids import Ids
from .records import ApiKey, Call, Checkout, Item, Organization, PaymentLink, Refund, Transaction

CATALOGUE = {
    "prod_mug": Item("Enamel mug", Decimal("12.50"), 1, "prod_mug"),
    "prod_poster": Item("Poster of a lighthouse", Decimal("24.00"), 1, "prod_poster"),
    "prod_sticker": Item("Sticker", Decimal("0.35"), 1, "prod_sticker"),
}

CALLS_KEPT = 10_000  # the newest; everything else is kept until the reset

Kept = TypeVar("Kept")


@dataclass(frozen=True)
class Setup:
    """What the emulator is started with; every reset comes back to it."""

    api_key: str = "nd8_test_key"
    merchant_token: str = "nd8_test_token"  # noqa: S105  # a test credential by design
    webhook_url: str = ""
    webhook_secret: str = "whsec_test"  # noqa: S105  # a test credential by design
    seed: int | None = None
    retry_delays: Sequence[float] = RETRY_DELAYS


class Shelf(Generic[Kept]):
    """Things in the order they came, found by any of their ids."""

    def __init__(self) -> None:
        self._things: list[Kept] = []
        self._by_id: dict[str, Kept] = {}

    def add(self, thing: Kept, *ids: str) -> None:
        """Keep `thing` under all its ids."""
        self._things.append(thing)
        self._by_id.update(dict.fromkeys(ids, thing))

    def find(self, any_id: str) -> Kept | None:
        """The thing with this id."""
        return self._by_id.get(any_id)

    def newest(self, count: int) -> list[Kept]:
        """The last that came, newest first."""
        return self._things[: -count - 1 : -1]

    def __iter__(self) -> Iterator[Kept]:
        return iter(self._things)

    def __len__(self) -> int:
        return len(self._things)


class World:
    """The state. Whoever reads or changes it holds `lock`, and holds it over no network call."""

    def __init__(self, setup: Setup, *, clock: Callable[[], datetime]) -> None:
        self.lock = threading.RLock()
        self.setup = setup
        self.clock = clock
        # Without kept connections nothing is left open when the emulator stops.
        self._http = httpx.Client(timeout=10, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))
        self._start()

    def reset(self) -> None:
        """Back to how it started: what is under way is given up."""
        self.courier.stop()
        self._start()

    def close(self) -> None:
        """Send no more webhooks."""
        self.courier.stop()

    def _start(self) -> None:
        setup = self.setup
        self.ids = Ids(setup.seed)
        self.organization = Organization(webhook_url=setup.webhook_url, webhook_secret=setup.webhook_secret)
        self.credentials = Credentials(setup.merchant_token)
        self.credentials.add(
            ApiKey(self.ids.uuid(), "Key of the command line", setup.api_key, frozenset(), ENVIRONMENTS, self.clock())
        )
        self.checkouts = Shelf[Checkout]()
        self.transactions = Shelf[Transaction]()
        self.refunds = Shelf[Refund]()
        self.links = Shelf[PaymentLink]()
        self.calls = deque[Call](maxlen=CALLS_KEPT)
        self.faults = Faults()
        self.courier = Courier(
            lock=self.lock,
            clock=self.clock,
            new_id=self.ids.uuid,
            chance=self.ids.random,
            http=self._http,
            mode=Mode(retry_delays=setup.retry_delays),
        )


def utc_now() -> datetime:
    """The emulator's clock unless another is given."""
    return datetime.now(UTC)
