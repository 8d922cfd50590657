"""One emulator for all tests here, as new for each; a shop to send webhooks to; a merchant with a key."""

import ssl
from collections.abc import Iterator

import httpx
import pytest

from oscar_nd8.emulator import Emulator, running
from tests.emulator.merchant import Merchant, Session
from tests.emulator.receiver import Receiver, receiving

SEED = 1
TOKEN = {"Authorization": "Token nd8_test_token"}
KEY = {"Authorization": "Api-Key nd8_test_key"}
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # loads no certificates, which would take longer than most tests


@pytest.fixture(scope="package")
def one_emulator() -> Iterator[Emulator]:
    """Retries come quickly, so that tests need not wait for them."""
    with running(seed=SEED, retry_delays=(0.05, 0.05, 0.1)) as emulator:
        yield emulator


@pytest.fixture
def emulator(one_emulator: Emulator) -> Emulator:
    """An emulator to which nothing has happened."""
    one_emulator.control("reset")
    return one_emulator


@pytest.fixture
def merchant(emulator: Emulator) -> Iterator[Merchant]:
    """A merchant in the sandbox."""
    with httpx.Client(base_url=emulator.sandbox_api_url, headers=KEY, trust_env=False, verify=NO_TLS) as http:
        yield Merchant(emulator, http)


@pytest.fixture
def session(emulator: Emulator) -> Iterator[Session]:
    """The same merchant's session, and the public beside it."""
    with (
        httpx.Client(base_url=emulator.sandbox_api_url, headers=TOKEN, trust_env=False, verify=NO_TLS) as http,
        httpx.Client(base_url=emulator.sandbox_api_url, trust_env=False, verify=NO_TLS) as public,
    ):
        yield Session(http, public)


@pytest.fixture
def shopper(emulator: Emulator) -> Iterator[httpx.Client]:
    """A browser without JavaScript that does not leave the emulator."""
    with httpx.Client(trust_env=False, verify=NO_TLS) as http:
        yield http


@pytest.fixture
def shop(emulator: Emulator) -> Iterator[Receiver]:
    """A shop that webhooks go to."""
    with receiving() as receiver:
        emulator.control("organization", webhook_url=receiver.url)
        yield receiver
        emulator.control("reset")
