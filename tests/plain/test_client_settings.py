"""What a client is made from: addresses and keys that cannot work, or would leak, are refused at once."""

import httpx
import pytest

from oscar_nd8.client import ND8Client

NOBODY = httpx.MockTransport(lambda request: httpx.Response(200))


@pytest.mark.parametrize(
    "base_url",
    [
        "",
        "nd8.example/api",
        "ftp://nd8.example/",
        "https://",
        "http://nd8.example/api/",
        "http://127.0.0.1.evil/",
        "https://user:pw@nd8.example/",
        "https://nd8.example/?a=1",
        "https://nd8.example/#a",
        "http://localhost.evil/",
    ],
)
def test_an_address_that_would_leak_or_cannot_work_is_refused(base_url: str) -> None:
    with pytest.raises(ValueError, match="base_url must"):
        ND8Client(base_url=base_url, api_key="k")


@pytest.mark.parametrize(
    "base_url", ["http://localhost:1/api", "http://127.0.0.1/", "http://127.8.8.8/", "http://[::1]:8800/api/"]
)
def test_plain_http_is_for_this_machine(base_url: str) -> None:
    ND8Client(base_url=base_url, transport=NOBODY).close()


def test_plain_http_elsewhere_must_be_asked_for() -> None:
    ND8Client(base_url="http://emulator/", allow_http=True, transport=NOBODY).close()


@pytest.mark.parametrize("secret", ["sk_1\n", "sk 1", "sk_é", "sk_1\x00", " sk_1"])
def test_a_key_that_was_copied_badly_is_refused_without_being_shown(secret: str) -> None:
    with pytest.raises(ValueError, match="copy it again") as caught:
        ND8Client(base_url="https://nd8.example/", api_key=secret)
    assert secret not in str(caught.value)


@pytest.mark.parametrize("name", ["connect_timeout", "read_timeout", "read_budget"])
def test_a_clock_without_time_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="above zero"):
        ND8Client(base_url="https://nd8.example/", transport=NOBODY, **{name: 0})  # type: ignore[arg-type]  # seconds
