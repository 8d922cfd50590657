"""A shop and an ND8 as processes of their own, on a database of their own; the shop can be killed at any moment."""

import os
import random
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import httpx
import psycopg
from django.contrib.staticfiles import finders
from django.db import connection, connections

from tests.bench.shop import database_url
from tests.journeys.running_shop import PROJECT, free_ports

__all__ = ["KillableShop", "killable_shop"]

START_SECONDS = 120
# How often somebody's click is the last thing that a process of the shop hears.
DANGER = 0.15


@dataclass(slots=True)
class KillableShop:
    """`url` and `nd8_url` without a slash at their end; `kills` are the lives that the shop lost."""

    url: str
    nd8_url: str
    database_url: str
    folder: Path
    environment: dict[str, str]
    kills: int = 0
    _process: subprocess.Popen[bytes] | None = None
    _usual: float = 0.05  # seconds that a request takes, lately
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def start(self) -> None:
        """Until the shop answers."""
        command = [sys.executable, "-m", "gunicorn", "--config", "python:tests.killing.server"]
        command += ["--bind", self.url.removeprefix("http://"), "sandbox_site.wsgi:application"]
        with (self.folder / "shop.log").open("ab") as log:
            self._process = _on_a_leash(command, environment=self.environment, log=log)
        deadline = time.monotonic() + START_SECONDS
        while not _answers(f"{self.url}/nd8/webhook/"):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"The shop does not run:\n{(self.folder / 'shop.log').read_text()[-4000:]}")
            time.sleep(0.1)

    @contextmanager
    def in_danger(self, chance: random.Random) -> Iterator[None]:
        """While the block has the shop do something, the process that does it may be killed: gunicorn forks another."""
        began = time.monotonic()
        if chance.random() < DANGER:
            threading.Timer(chance.uniform(0, 1.2 * self._usual), self._kill_worker).start()
        yield
        self._usual += (time.monotonic() - began - self._usual) / 10

    def kill(self) -> None:
        """SIGKILL to everything; nobody starts it again by itself."""
        with self._lock:
            if self._process is not None:
                _kill(self._process)
                self._process = None
                self.kills += 1

    def restart(self) -> None:
        """Kill everything, and start anew."""
        with self._lock:
            self.kill()
            self.start()

    def _kill_worker(self) -> None:
        with self._lock, suppress(ProcessLookupError, FileNotFoundError, ValueError):
            os.kill(int((self.folder / "worker.pid").read_text()), signal.SIGKILL)
            self.kills += 1

    def manage(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a management command in a process of its own."""
        whole = [sys.executable, "sandbox_site/manage.py", *command]
        return subprocess.run(
            whole, cwd=PROJECT, env=self.environment, capture_output=True, text=True, timeout=START_SECONDS, check=False
        )

    def control(self, path: str, **payload: Any) -> Any:
        """One control call of the emulator; its answer."""
        answer = httpx.post(f"{self.nd8_url}/_emulator/{path}", json=payload, timeout=30, trust_env=False)
        return answer.raise_for_status().json()

    def nd8_state(self) -> dict[str, Any]:
        """ND8's books."""
        state: dict[str, Any] = httpx.get(f"{self.nd8_url}/_emulator/state", timeout=60, trust_env=False).json()
        return state

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What the shop's database says."""
        with psycopg.connect(self.database_url) as database:
            return database.execute(query.encode()).fetchall()

    def mails(self) -> list[str]:
        """Everything that was sent, each mail as it was written."""
        return [file.read_text() for file in (self.folder / "mail").glob("*.log")]


@contextmanager
def killable_shop(folder: Path) -> Iterator[KillableShop]:
    """A shop that has what the test's own database has now."""
    with _copied_database() as name:
        shop_port, nd8_port = free_ports(2)
        url = database_url(name)
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "tests.killing.settings",
            "SHOP_PORT": str(shop_port),
            "ND8_EMULATOR_PORT": str(nd8_port),
            "SANDBOX_VAR_DIR": str(folder),
            "DATABASE_URL": url,
            "WORKER_PID_FILE": str(folder / "worker.pid"),
        }
        shop = KillableShop(
            f"http://127.0.0.1:{shop_port}", f"http://127.0.0.1:{nd8_port}", url, folder, dict(environment)
        )
        # Oscar makes it when it first misses a picture, and two requests at once stumble over each other.
        (folder / "media").mkdir()
        shutil.copy(str(finders.find("oscar/img/image_not_found.jpg")), folder / "media")
        with _emulator(shop, nd8_port):
            try:
                yield shop
            finally:
                shop.kill()


@contextmanager
def _emulator(shop: KillableShop, port: int) -> Iterator[None]:
    command = [sys.executable, "-m", "oscar_nd8.emulator", "--port", str(port), "--webhook-secret", "whsec_sandbox"]
    command += ["--webhook-url", f"{shop.url}/nd8/webhook/"]
    with (shop.folder / "nd8.log").open("wb") as log:
        process = _on_a_leash(command, environment=shop.environment, log=log)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(f"{shop.nd8_url}/_emulator/state") and time.monotonic() < deadline:
            time.sleep(0.05)
        # Told once: what the shop does not finish then, it must finish by itself.
        shop.control("deliveries", retry_delays=[])
        yield
    finally:
        _kill(process)


def _on_a_leash(command: list[str], *, environment: dict[str, str], log: IO[bytes]) -> subprocess.Popen[bytes]:
    """A process in a group of its own, which ends with this one even where this one is killed."""
    leash = [sys.executable, str(PROJECT / "tests/killing/leash.py")]
    return subprocess.Popen(
        [*leash, *command],
        cwd=PROJECT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )


def _kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


@contextmanager
def _copied_database() -> Iterator[str]:
    name = f"killed_{secrets.token_hex(4)}"
    template = connection.settings_dict["NAME"]
    connections.close_all()  # nobody may be in a database that is copied
    with connection._nodb_cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    try:
        yield name
    finally:
        with connection._nodb_cursor() as cursor:
            cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _answers(url: str) -> bool:
    try:
        httpx.get(url, timeout=60, trust_env=False)
    except httpx.TransportError:
        return False
    return True
