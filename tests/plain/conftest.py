"""An emulator of ND8 that knows one API key and one merchant's session."""

from collections.abc import Iterator

import pytest

from oscar_nd8.emulator import Emulator, running

KEY, TOKEN = "sk_emulated_1", "mt_emulated_1"


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    """One for a file of tests; what happened there stays until somebody resets it."""
    with running(api_key=KEY, merchant_token=TOKEN) as started:
        yield started
