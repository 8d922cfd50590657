"""Thousands of sequences of whatever can happen to a payment; what must hold, holds after every step."""

import gc
import logging
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis.stateful import run_state_machine_as_test

from oscar_nd8.emulator import Setup
from oscar_nd8.testing import make_countries, make_user
from oscar_nd8.testing.emulated import settings_with
from tests.hunting.provider import Provider, serving
from tests.hunting.road import Road
from tests.hunting.shop import Shelf

SEQUENCES = int(os.environ.get("HUNT_SEQUENCES", "2000"))
A_TEST = 500


@pytest.fixture
def provider() -> Iterator[Provider]:
    """ND8, in this process."""
    with serving() as provider:
        yield provider


@pytest.fixture
def restart(provider: Provider, settings: Any) -> Callable[[], None]:
    """Let a new process take over, which knows nothing of how ND8 was a moment ago."""
    shop = settings.ND8

    def restart() -> None:
        settings.ND8 = settings_with(provider.url, shop=shop) | {
            "WEBHOOK_SECRETS": [Setup.webhook_secret],
            "READ_BUDGET": 0.1,
            "PREPARE_WAIT": 0.1,
        }

    restart()
    return restart


@pytest.fixture
def silence() -> Iterator[None]:
    """What is logged on the way would be longer than the suite's own report."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("silence")
@pytest.mark.parametrize("shard", range(max(1, SEQUENCES // A_TEST)))
def test_whatever_happens_every_payment_comes_to_its_end(
    shard: int, provider: Provider, restart: Callable[[], None], mailoutbox: list[Any]
) -> None:
    make_countries()
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit TO off")  # nobody pulls the plug of the database itself
    shelf, staff = Shelf(), make_user("staff@example.com")
    gc.freeze()  # what Django and Oscar are made of need not be looked through again and again

    class ThisRoad(Road):
        def __init__(self) -> None:
            super().__init__(shelf, provider, staff=staff, restart=restart)

    run_state_machine_as_test(ThisRoad, settings=PROFILE)


PROFILE = hypothesis_settings(
    max_examples=min(SEQUENCES, A_TEST),
    stateful_step_count=int(os.environ.get("HUNT_STEPS", "6")),
    deadline=None,
    print_blob=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
