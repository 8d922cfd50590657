"""ND8 in this process: its API over HTTP, as the shop calls it; everything else by a word instead of a control call."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from decimal import Decimal
from typing import Any

from oscar_nd8.emulator import Setup, World, create_app, refunds
from oscar_nd8.emulator.courier import Delivery
from oscar_nd8.emulator.faults import Fault
from oscar_nd8.emulator.outcomes import Oddity, Outcome, bring_about
from oscar_nd8.emulator.problems import ApiError
from oscar_nd8.emulator.records import PAID_STATUSES, Checkout, Refund, Transaction
from oscar_nd8.emulator.server import QuietHandler, Server
from oscar_nd8.emulator.world import utc_now

__all__ = ["Provider", "serving"]

# What a shop asks ND8 for, as ND8's document calls it.
CALLED = ("createPayment", "getPaymentById", "createRefundForPayment", "listRefunds", "getRefundById")


class Provider:
    """An emulated ND8, its books open. What it refuses to do is not done, as for a person at its page."""

    def __init__(self, world: World, url: str) -> None:
        self._world, self.url = world, url
        self.ever_paid: set[str] = set()
        self.odd: set[str] = set()
        self._faults: list[tuple[Fault, int]] = []

    def reset(self) -> None:
        """Forget everything."""
        self._world.reset()
        self.ever_paid.clear()
        self.odd.clear()
        self._faults.clear()

    @property
    def checkouts(self) -> list[Checkout]:
        """Oldest first."""
        return list(self._world.checkouts)

    @property
    def transactions(self) -> list[Transaction]:
        """Oldest first."""
        return list(self._world.transactions)

    @property
    def refunds(self) -> list[Refund]:
        """Oldest first."""
        return list(self._world.refunds)

    @property
    def deliveries(self) -> list[Delivery]:
        """Every notification so far; the shop has got those that somebody carried there."""
        return self._world.courier.deliveries

    @property
    def misbehaved(self) -> bool:
        """Whether any call met what was to go wrong."""
        return any(fault.times < times for fault, times in self._faults)

    def end(self, checkout: Checkout, outcome: Outcome, *, anew: bool = False, **oddity: Any) -> None:
        """Something happens on the hosted page."""
        with self._allowed():
            transaction = bring_about(self._world, checkout, outcome, oddity=Oddity(**oddity), anew=anew)
            if oddity and transaction.public_id not in self.ever_paid:
                self.odd.add(transaction.public_id)

    def give_back(self, transaction: Transaction, share: Decimal) -> None:
        """Somebody refunds a share of what is left in ND8's own dashboard."""
        amount = max((transaction.remaining * share).quantize(Decimal("0.01")), Decimal("0.01"))
        with self._allowed():
            refunds.grant(self._world, transaction, reason="As agreed on the telephone", amount=f"{amount:f}")

    def conclude(self, refund: Refund, status: str) -> None:
        """A refund comes to its end."""
        with self._allowed():
            refunds.conclude(self._world, refund, status)

    @property
    def under_way(self) -> list[Refund]:
        """Refunds of which nobody can know yet how they end, oldest first."""
        return [each for each in self.refunds if each.status == "processing"]

    def misbehave(self, kind: str, times: int) -> None:
        """The next calls of each operation go wrong, without keeping anybody waiting."""
        faults = [Fault(operation, kind, times, seconds=0) for operation in CALLED]
        self._faults += [(fault, times) for fault in faults]
        with self._world.lock:
            for fault in faults:
                self._world.faults.add(fault)

    def recover(self) -> None:
        """Nothing goes wrong any more."""
        with self._world.lock:
            self._world.faults.waiting.clear()

    def age(self, by: timedelta) -> None:
        """Everything happened earlier."""
        for checkout in self.checkouts:
            checkout.created_at -= by
            checkout.expires_at -= int(by.total_seconds())
        moved: list[Transaction | Refund] = [*self.transactions, *self.refunds]
        for each in moved:
            each.created_at -= by
            each.updated_at -= by

    @contextmanager
    def _allowed(self) -> Iterator[None]:
        with self._world.lock:
            with suppress(ApiError):
                yield
            self.ever_paid |= {each.public_id for each in self.transactions if each.status in PAID_STATUSES}


@contextmanager
def serving() -> Iterator[Provider]:
    """An ND8 that answers the shop's calls as long as the block lasts."""
    world = World(Setup(seed=0), clock=utc_now)  # the order of ids must not decide how a sequence goes
    server = Server("127.0.0.1", 0, create_app(world), QuietHandler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield Provider(world, f"http://127.0.0.1:{server.port}")
    finally:
        server.shutdown()
        thread.join()
        world.close()
