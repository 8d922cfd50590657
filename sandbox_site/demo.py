"""`python -m sandbox_site.demo`: the shop and an emulated ND8, ready to try, in one terminal.

The shop is served by this very process, because loading it a second time would double the wait; the emulator is
a process of its own, as the provider is to a shop.
"""

import gc
import http.client
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

import django
from django.conf import settings
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.management import CommandError, call_command
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

HOST = "127.0.0.1"
EMULATOR_SECONDS = 20
STOP_SECONDS = 5
RECONCILE_SECONDS = 60


class DemoError(Exception):
    """Something that ends the demo, said in words for the person at the terminal."""


def main() -> int:
    """Run until Ctrl-C or SIGTERM; 0 then, 1 if something went wrong."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sandbox_site.settings")
    for number in (signal.SIGINT, signal.SIGTERM):  # a script may have started us with SIGINT ignored
        signal.signal(number, _interrupt)
    try:
        _run()
    except KeyboardInterrupt:
        _say("\nGood bye.")
    except DemoError as error:
        _say(f"\n{error}")
        return 1
    return 0


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _run() -> None:
    started = time.monotonic()
    _require_free(settings.SHOP_PORT, "SHOP_PORT")
    _require_free(settings.ND8_EMULATOR_PORT, "ND8_EMULATOR_PORT")
    logs = settings.VAR_DIR / "log"
    logs.mkdir(exist_ok=True)
    with _emulator(logs / "emulator.log") as emulator:
        _say("Loading the shop ...")
        django.setup()
        _prepare_database()
        with _shop(logs / "shop.log") as shop, _reconciler(logs / "reconcile.log"):
            _say("Waiting for the first page ...")
            _await_emulator(emulator, logs / "emulator.log")
            call_command("seed_payment_link", verbosity=0)
            if not _answers(settings.SHOP_PORT, "/"):
                raise DemoError(f"The shop's start page fails; its log is {logs / 'shop.log'}.")
            _say(_welcome(logs, time.monotonic() - started))
            _stand_by(emulator, shop, logs)


def _require_free(port: int, variable: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise DemoError(
                f"Port {port} is taken by another program. End that one, or choose another port: "
                f"make demo {variable}={port + 1}"
            ) from error


@contextmanager
def _emulator(log: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "oscar_nd8.emulator", "--host", HOST]
    command += ["--port", str(settings.ND8_EMULATOR_PORT)]
    command += ["--api-key", settings.ND8["API_KEY"], "--merchant-token", settings.ND8["MERCHANT_TOKEN"]]
    command += ["--webhook-url", f"{settings.SHOP_URL}/nd8/webhook/"]
    command += ["--webhook-secret", settings.ND8["WEBHOOK_SECRETS"][0]]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)  # noqa: S603  # our own words
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _prepare_database() -> None:
    """Bring the tables up to date and fill them; both are quick when there is nothing to do."""
    executor = MigrationExecutor(connection)
    pending = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    if pending:
        _say(f"Making the tables: {pending} migrations, half a minute from scratch ...")
        gc.freeze()  # spares the collector what is loaded for good: a tenth of that half minute
        call_command("migrate", interactive=False, verbosity=0)
    _say("Filling the shelves ...")
    call_command("seed_sandbox", verbosity=0)
    connection.close()


@contextmanager
def _shop(log: Path) -> Iterator[threading.Thread]:
    application = get_wsgi_application()
    # Only now: making the application sets up the logging anew.
    logging.getLogger("django.server").handlers = [logging.FileHandler(log, mode="w")]
    server = ThreadedWSGIServer((HOST, settings.SHOP_PORT), WSGIRequestHandler)
    server.daemon_threads = True
    server.set_app(StaticFilesHandler(application) if settings.DEBUG else application)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield thread
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def _reconciler(log: Path) -> Iterator[None]:
    """What cron does in a shop: `nd8_reconcile --due`, every minute."""
    over = threading.Event()

    def run() -> None:
        with log.open("w") as output:
            while not over.wait(RECONCILE_SECONDS):
                with suppress(CommandError):  # ND8 did not answer; the next run tries again
                    call_command("nd8_reconcile", "--due", stdout=output)
                output.flush()
                connection.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(STOP_SECONDS)


def _answers(port: int, path: str) -> bool:
    """Whether a server answers there, and not with an error of its own."""
    connection = http.client.HTTPConnection(HOST, port, timeout=30)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
    except OSError:
        return False
    finally:
        connection.close()
    return response.status < http.HTTPStatus.INTERNAL_SERVER_ERROR


def _await_emulator(emulator: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + EMULATOR_SECONDS
    while not _answers(settings.ND8_EMULATOR_PORT, "/_emulator/state"):
        _require_alive(emulator, log)
        if time.monotonic() > deadline:
            raise DemoError(f"The emulator of ND8 does not answer; its log is {log}.")
        time.sleep(0.1)


def _require_alive(emulator: subprocess.Popen[bytes], log: Path) -> None:
    if emulator.poll() is not None:
        output = log.read_text(errors="replace")
        raise DemoError(f"{output}\nThe emulator of ND8 ended with code {emulator.returncode}; above is what it said.")


def _stand_by(emulator: subprocess.Popen[bytes], shop: threading.Thread, logs: Path) -> None:
    while shop.is_alive():
        _require_alive(emulator, logs / "emulator.log")
        shop.join(0.5)
    raise DemoError(f"The shop ended by itself; its log is {logs / 'shop.log'}.")


def _welcome(logs: Path, seconds: float) -> str:
    shop, emulator = settings.SHOP_URL, f"http://{HOST}:{settings.ND8_EMULATOR_PORT}"
    return f"""
Ready after {seconds:.0f} seconds.

  Shop              {shop}/
  Dashboard         {shop}/dashboard/
  Wagtail admin     {shop}/cms-admin/
  Django admin      {shop}/django-admin/
  Emulator of ND8   {emulator}/

  Shopper           shopper@example.com / sandbox
  Staff             staff@example.com / sandbox

  Mail              {settings.EMAIL_FILE_PATH}
  Logs              {logs}

Ctrl-C ends it all."""


if __name__ == "__main__":
    sys.exit(main())
