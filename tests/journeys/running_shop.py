"""The shop and the emulator that `make demo` starts, on ports and in a folder of their own, as a child process."""

import email
import email.policy
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx

PROJECT = Path(__file__).resolve().parents[2]
START_SECONDS = 150
STOP_SECONDS = 15
READY = b"Ready after"
BETWEEN_MAILS = b"\n" + b"-" * 79 + b"\n"


@dataclass(frozen=True, slots=True)
class RunningShop:
    """Where the shop and ND8 answer, and where the shop's mail lies."""

    url: str
    nd8_url: str
    mail_folder: Path
    environment: Mapping[str, str] = field(repr=False)

    def manage(self, *command: str) -> str:
        """What a management command prints that somebody runs on the shop's server."""
        django = [sys.executable, "-m", "django", *command]
        done = subprocess.run(
            django, cwd=PROJECT, env=self.environment, check=True, timeout=START_SECONDS, capture_output=True, text=True
        )
        return done.stdout

    def merchant(self, method: str, path: str, **fields: Any) -> Any:
        """What the merchant does in ND8's own dashboard."""
        headers = {"Authorization": f"Token {self.environment.get('ND8_MERCHANT_TOKEN', 'nd8_test_token')}"}
        answer = httpx.request(method, f"{self.nd8_url}/sandbox/api/{path}", json=fields, headers=headers, timeout=30)
        assert answer.is_success, answer.text
        return answer.json()

    def mails_to(self, address: str) -> list[EmailMessage]:
        """What was sent to somebody, oldest first."""
        found = [_mail(raw) for file in sorted(self.mail_folder.glob("*.log")) for raw in _split(file.read_bytes())]
        return [mail for mail in found if mail["To"] == address]

    def control(self, path: str, **payload: Any) -> Any:
        """One control call of the emulator; it must be accepted."""
        answer = httpx.post(f"{self.nd8_url}/_emulator/{path}", json=payload, timeout=30)
        assert answer.is_success, answer.text
        return answer.json()

    def nd8_state(self) -> dict[str, Any]:
        """Everything the emulator knows."""
        state: dict[str, Any] = httpx.get(f"{self.nd8_url}/_emulator/state", timeout=30).json()
        return state

    def checkouts_of(self, address: str) -> list[dict[str, Any]]:
        """ND8's checkouts for a payer, oldest first."""
        return [one for one in self.nd8_state()["checkouts"] if one["request"]["billing_email"] == address]

    def pay_with_absurd_fee(self, address: str) -> None:
        """ND8 takes a payer's newest payment, and says that it keeps nearly all of it."""
        checkout = self.checkouts_of(address)[-1]["checkout_id"]
        self.control(f"checkouts/{checkout}/outcome", outcome="paid", net_amount="0.01")

    def payments_of(self, address: str) -> list[tuple[str, str]]:
        """The status and the total of every transaction that ND8 has for a payer, oldest first."""
        checkouts = [one["checkout_id"] for one in self.checkouts_of(address)]
        transactions = self.nd8_state()["transactions"]
        return [(one["status"], one["total"]) for one in transactions if one["checkout_id"] in checkouts]


def text_of(mail: EmailMessage) -> str:
    """What a mail says to somebody who reads no HTML."""
    body = mail.get_body(("plain",))
    return str(body.get_content()) if body else ""


@contextmanager
def running_shop(folder: Path) -> Iterator[RunningShop]:
    """The demo with everything that it writes in `folder`; ended as Ctrl-C ends it."""
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.journeys.settings",
        "SANDBOX_VAR_DIR": str(folder),
        "DATABASE_URL": f"sqlite:///{folder}/db.sqlite3",
    }
    tables = [sys.executable, "-m", "django", "migrate", "--run-syncdb", "--verbosity", "0"]
    subprocess.run(tables, cwd=PROJECT, env=environment, check=True, timeout=START_SECONDS)
    # Chosen just before they are needed, or somebody else may have taken them.
    shop_port, nd8_port = free_ports(2)
    environment |= {"SHOP_PORT": str(shop_port), "ND8_EMULATOR_PORT": str(nd8_port)}
    log = folder / "demo.log"
    with log.open("wb") as output:
        demo = [sys.executable, "-m", "sandbox_site.demo"]
        process = subprocess.Popen(demo, cwd=PROJECT, env=environment, stdout=output, stderr=subprocess.STDOUT)
    shop = RunningShop(f"http://127.0.0.1:{shop_port}", f"http://127.0.0.1:{nd8_port}", folder / "mail", environment)
    try:
        _await(process, log)
        yield shop
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_ports(count: int) -> list[int]:
    """So many that nobody listens to."""
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def _await(process: subprocess.Popen[bytes], log: Path) -> None:
    """Until the demo says so: two who ask for its first page at once make the same pictures, and one of them fails."""
    deadline = time.monotonic() + START_SECONDS
    while READY not in log.read_bytes():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"The demo does not run:\n{log.read_text(errors='replace')}")
        time.sleep(0.2)


def _split(written: bytes) -> list[bytes]:
    return [raw for raw in written.split(BETWEEN_MAILS) if raw.strip()]


def _mail(raw: bytes) -> EmailMessage:
    return email.message_from_bytes(raw, policy=email.policy.default)
