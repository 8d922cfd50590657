"""Thousands of sequences of whatever can happen to a payment; what must hold, holds after every step.

The same sequences each time: a shard's number is its seed. HUNT_SEQUENCES says how many (a quick look: 100), and
HUNT_SHARDS="3,17" which shards. Where one alone is asked for, what fails in it is made as short as it can be.
"""

import gc
import logging
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from math import ceil
from typing import Any

import pytest
import stamina
from django.db import connection
from hypothesis import HealthCheck, Phase, seed
from hypothesis import settings as hypothesis_settings
from hypothesis.stateful import run_state_machine_as_test

from oscar_nd8.emulator import Setup
from oscar_nd8.testing import make_countries, make_user
from oscar_nd8.testing.emulated import settings_with
from tests.hunting import figures
from tests.hunting.chance import BACKEND
from tests.hunting.provider import Provider, serving
from tests.hunting.road import Road
from tests.hunting.shop import Shelf

A_SHARD = 500
SEQUENCES = int(os.environ.get("HUNT_SEQUENCES", "2000"))
SHARDS = [int(shard) for shard in os.environ.get("HUNT_SHARDS", "").split(",") if shard]

PROFILE = hypothesis_settings(
    backend=BACKEND,
    # Minutes for a story of three steps, which reads well enough as it came.
    phases=[Phase.generate, Phase.shrink] if len(SHARDS) == 1 else [Phase.generate],
    max_examples=min(SEQUENCES, A_SHARD),
    stateful_step_count=int(os.environ.get("HUNT_STEPS", "3")),
    deadline=None,
    print_blob=False,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.fixture
def provider() -> Iterator[Provider]:
    """ND8, in this process."""
    with serving() as provider:
        yield provider


@pytest.fixture
def restart(provider: Provider, settings: Any) -> Iterator[Callable[[], None]]:
    """Let a new process take over, which knows nothing of how ND8 was a moment ago.

    No process here is ever out of time or patience: how busy the machine is must not decide how a sequence goes.
    """
    shop = settings.ND8

    def restart() -> None:
        settings.ND8 = settings_with(provider.url, shop=shop) | {
            "WEBHOOK_SECRETS": [Setup.webhook_secret],
            "MERCHANT_TOKEN": "",  # nobody buys by link here
            "CONNECT_TIMEOUT": 30,
            "READ_TIMEOUT": 30,
            "READ_BUDGET": 120,
            "PREPARE_WAIT": 0,
        }

    restart()
    with stamina.set_testing(True, attempts=2):  # reads are repeated at once
        yield restart


@pytest.fixture
def few_collections() -> Iterator[None]:
    """What Django and Oscar are made of need not be looked through for garbage again and again."""
    usual = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)
    yield
    gc.set_threshold(*usual)
    gc.unfreeze()


@pytest.fixture
def silence() -> Iterator[None]:
    """What is logged on the way would be longer than the suite's own report."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def prepares(transactional_db: None, shard: int) -> Iterator[None]:
    """Every other shop has its statements prepared."""
    connection.ensure_connection()
    connection.connection.prepare_threshold = 0 if shard % 2 else None
    yield
    connection.close()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("few_collections", "prepares", "silence")
@pytest.mark.no_cover
@pytest.mark.parametrize("shard", SHARDS or range(ceil(SEQUENCES / A_SHARD)))
def test_whatever_happens_every_payment_comes_to_its_end(
    shard: int, provider: Provider, restart: Callable[[], None], mailoutbox: list[Any]
) -> None:
    make_countries()
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit TO off")  # nobody pulls the plug of the database itself
    shelf, staff, reached = Shelf(), make_user("staff@example.com"), Counter[str]()
    began = time.monotonic()

    class ThisRoad(Road):
        def __init__(self) -> None:
            super().__init__(shelf, provider, staff=staff, restart=restart, reached=reached)

    run_state_machine_as_test(seed(shard)(ThisRoad), settings=PROFILE)

    figures.keep(shard, time.monotonic() - began, reached)
    if PROFILE.max_examples == A_SHARD:
        # What is seldom, the soak counts in all of its shards together; the suite's are known to have it.
        rare = figures.too_rare(reached, frequent=figures.FILE in os.environ)
        assert not rare, f"of {reached[figures.SEQUENCES]} sequences, too few came where something can go wrong: {rare}"
