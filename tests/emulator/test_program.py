"""The emulator as a program, and as a context manager."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import httpx
import pytest

from oscar_nd8.emulator import running
from tests.emulator.merchant import BODY


@contextmanager
def program(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that has said that it is ready, and its URL."""
    command = [sys.executable, "-m", "oscar_nd8.emulator", "--port", "0", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            assert line.startswith("ND8 emulator: http://127.0.0.1:")
            yield process, line.split()[-1]
        finally:
            process.kill()


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_the_program_serves_and_stops_cleanly(stop: signal.Signals) -> None:
    with program("--api-key", "k", "--webhook-secret", "s", "--webhook-url", "http://127.0.0.1:9/") as (process, url):
        answer = httpx.post(f"{url}api/checkout/create/", json=BODY, headers={"Api-Key": "k"})
        assert answer.status_code == 201
        assert answer.json()["checkout_url"].startswith(f"{url}pay/")
        organization = httpx.get(f"{url}_emulator/state").json()["organization"]
        assert (organization["webhook_url"], organization["webhook_secret"]) == ("http://127.0.0.1:9/", "s")
        os.kill(process.pid, stop)
        assert process.wait(timeout=10) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_the_program_refuses_a_bad_webhook_url() -> None:
    command = [sys.executable, "-m", "oscar_nd8.emulator", "--webhook-url", "shop"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "must be an http or https URL" in done.stderr


def test_the_program_needs_no_django() -> None:
    code = (
        "import sys, oscar_nd8.emulator.__main__\n"
        "ours = {m for m in sys.modules if m.startswith('oscar_nd8.')}\n"
        "print({m.split('.')[0] for m in sys.modules} & {'django', 'oscar'},"
        " [m for m in ours if not m.startswith('oscar_nd8.emulator')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set() []\n"


def test_a_seed_repeats_ids_and_tokens() -> None:
    def ids(seed: int | None) -> tuple[str, str]:
        with running(seed=seed, clock=lambda: moment) as emulator:
            url = f"{emulator.api_url}/checkout/create/"
            answer = emulator.http.post(url, json=BODY, headers={"Api-Key": "nd8_test_key"}).json()
            path = f"checkouts/{answer['checkout_id']}/outcome"
            return answer["token"], emulator.control(path, outcome="paid")["transaction_id"]

    moment = datetime(2026, 1, 1, tzinfo=UTC)
    assert ids(7) == ids(7)
    assert ids(7) != ids(8)
    assert ids(None) != ids(None)


def test_a_reset_starts_the_seed_over() -> None:
    with running(seed=7) as emulator:

        def make() -> str:
            url = f"{emulator.api_url}/checkout/create/"
            answer = emulator.http.post(url, json=BODY, headers={"Api-Key": "nd8_test_key"})
            return str(answer.json()["checkout_id"])

        first = make()
        emulator.control("reset")
        assert make() == first


def test_the_port_is_free_again_afterwards() -> None:
    with running() as emulator:
        port = int(emulator.url.rstrip("/").rpartition(":")[2])
    with running(port=port) as again:
        assert again.url == emulator.url
        assert again.state()["checkouts"] == []


def test_it_listens_on_this_machine_only() -> None:
    with running() as emulator, pytest.raises(httpx.ConnectError):
        httpx.get(emulator.url.replace("127.0.0.1", "127.0.0.2"))
