"""Web servers and workers of one shop, each a process; any of them can be killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench.shop import database_url, wait_for
from tests.journeys.running_shop import PROJECT, free_ports

__all__ = ["DATABASE_QUEUE", "INBOX", "INLINE", "Cluster", "Queue", "cluster"]

STOP_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Queue:
    """A backend of TASKS, and what starts its worker `{name}`; `environment` are the settings that it needs."""

    backend: str
    worker: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


INLINE = Queue("django_tasks.backends.immediate.ImmediateBackend")
DATABASE_QUEUE = Queue(
    "django_tasks_db.DatabaseBackend",
    ("-m", "django", "db_worker", "--interval", "0.1", "--no-startup-delay", "--worker-id", "{name}"),
)
INBOX = Queue("oscar_nd8.inbox.InboxBackend", ("-m", "django", "nd8_work", "--interval", "0.1"))


@dataclass(frozen=True, slots=True)
class Cluster:
    """`addresses` are the web servers', as host and port; `mail` is where all of them write."""

    addresses: list[tuple[str, int]]
    workers: list[subprocess.Popen[bytes]]
    mail: Path
    environment: Mapping[str, str]

    @property
    def urls(self) -> list[str]:
        """The web servers."""
        return [f"http://{host}:{port}" for host, port in self.addresses]

    def manage(self, *command: str) -> str:
        """What a management command prints that somebody runs on one of the machines."""
        whole = [sys.executable, "-m", "django", *command]
        return subprocess.run(
            whole, cwd=PROJECT, env=self.environment, check=True, timeout=600, capture_output=True, text=True
        ).stdout


@contextmanager
def cluster(folder: Path, *, nd8_url: str, queue: Queue, nodes: int = 2, workers: int = 2) -> Iterator[Cluster]:
    """So many of each on this process's own database; they share the mail's folder, and a log for each."""
    ports = free_ports(nodes)
    mail = folder / "mail"
    mail.mkdir()
    environment = {
        **os.environ,
        **queue.environment,
        "DJANGO_SETTINGS_MODULE": "tests.machines.settings",
        "DATABASE_URL": database_url(),
        "MACHINES_QUEUE": queue.backend,
        "MACHINES_ND8": nd8_url,
        "MACHINES_MAIL": str(mail),
    }
    with ExitStack() as running:
        processes: list[subprocess.Popen[bytes]] = []
        running.callback(_stop, processes)

        def start(name: str, *arguments: str) -> subprocess.Popen[bytes]:
            command = [sys.executable, *arguments]
            with (folder / f"{name}.log").open("wb") as log:
                process = subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=log, stderr=log)
            processes.append(process)
            return process

        server = ("-m", "gunicorn", "--worker-class", "gthread", "--threads", "4", "--log-level", "error", "--bind")
        for number, port in enumerate(ports):
            start(f"web-{number}", *server, f"127.0.0.1:{port}", "sandbox_site.wsgi:application")
        names = [f"worker-{number}" for number in range(workers if queue.worker else 0)]
        at_work = [start(name, *(part.format(name=name) for part in queue.worker)) for name in names]
        for port in ports:
            wait_for(f"http://127.0.0.1:{port}/nd8/webhook/")
        yield Cluster([("127.0.0.1", port) for port in ports], at_work, mail, environment)


def _stop(processes: Sequence[subprocess.Popen[Any]]) -> None:
    """All at the same time: each takes a second to end what it has in hand."""
    for process in processes:
        process.terminate()
        process.send_signal(signal.SIGCONT)  # a test may have stopped it
    for process in processes:
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
