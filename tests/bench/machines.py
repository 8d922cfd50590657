"""Several web servers and workers on one database: a crowd pays, ND8 tells it all again and again, nothing is lost.

The queues that need a server of their own are tried where BENCH_REDIS names a Redis and their packages are installed:
django-tasks-rq, and django-tasks-fennel for Celery.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import count
from pathlib import Path

from oscar_nd8.services.reconcile import reconcile
from oscar_nd8.testing import ND8, emulated_nd8
from tests.bench.figures import Figure, Profile, at_least, percentile
from tests.bench.shop import filled, wait_for
from tests.journeys.running_shop import free_ports
from tests.machines.cluster import DATABASE_QUEUE, INBOX, INLINE, Queue, cluster
from tests.machines.crowd import burst, buy_at_once, notifications, require_one_order_each, wait_until_processed

NAME = "machines"
NODES, WORKERS, AT_ONCE = 2, 2, 16
NUMBERS = count(5_000_000)


def run(profile: Profile) -> Iterator[Figure]:
    """Each queue, each with a crowd of its own."""
    purchases, told = profile.pick(16, 200), profile.pick(200, 10_000)
    with _emulator() as nd8:
        for what, queue in _queues().items():
            nd8.reset()
            with tempfile.TemporaryDirectory() as folder:
                yield from _crowd(f"{what}, {purchases} purchases", queue, nd8, Path(folder), purchases, told)


def _crowd(what: str, queue: Queue, nd8: ND8, folder: Path, purchases: int, told: int) -> Iterator[Figure]:
    shoppers = [filled(1, next(NUMBERS)) for _ in range(purchases)]
    with cluster(folder, nd8_url=nd8.url, queue=queue, nodes=NODES, workers=WORKERS) as shop:
        began = time.perf_counter()
        waits = buy_at_once(shoppers, shop, nd8, at_once=AT_ONCE)
        bought = time.perf_counter() - began
        messages = notifications(nd8, count=told)
        began = time.perf_counter()
        loads = burst(shop, messages)
        accepted = time.perf_counter() - began
        refused = [head for load in loads for head in load.refused]
        wait_until_processed(seconds=3600)
        processed = time.perf_counter() - began
        left = reconcile(everything=bool(refused)).looked_at
        require_one_order_each(shoppers, messages, mail=shop.mail)
    latencies = [each for load in loads for each in load.latencies]
    detail = f"payment page: {statistics.median(waits) * 1000:.0f} ms, slowest {max(waits) * 1000:.0f} ms"
    yield at_least(1, f"{what}, a second", purchases / bought, unit="purchases", detail=detail)
    detail = f"99th percentile {percentile(latencies, 99):.0f} ms, {len(refused)} of {told:,} asked to come again"
    yield at_least(50, f"{what}, told a second", told / accepted, unit="accepted", detail=detail)
    rows = len({headers["X-Webhook-Delivery-Id"] for _body, headers in messages})
    detail = f"{rows:,} deliveries; {left} left to the reconciler; one order each, nothing lost"
    yield at_least(10, f"{what}, processed a second", rows / processed, unit="processed", detail=detail)


def _queues() -> Mapping[str, Queue]:
    found = {"inline": INLINE, "its own rows the queue": INBOX, "database queue": DATABASE_QUEUE}
    redis = os.environ.get("BENCH_REDIS")
    if redis and find_spec("django_tasks_rq"):
        environment = {"MACHINES_REDIS": redis, "MACHINES_APPS": "django_rq,django_tasks_rq"}
        rq = ("-m", "django", "rqworker", "--job-class", "django_tasks_rq.Job", "--worker-class", "rq.SimpleWorker")
        found["RQ on Redis"] = Queue("django_tasks_rq.RQBackend", rq, environment)
    if redis and find_spec("django_tasks_fennel"):
        environment = {"MACHINES_REDIS": redis, "MACHINES_APPS": "django_tasks_fennel"}
        celery = (
            "-m",
            "celery",
            "--app",
            "tests.machines.celery",
            "worker",
            "--queues",
            "default",
            "--concurrency",
            "1",
            "--hostname",
            "{name}",
        )
        found["Celery on Redis"] = Queue("django_tasks_fennel.CeleryBackend", celery, environment)
    return found


@contextmanager
def _emulator() -> Iterator[ND8]:
    """In a process of its own, as ND8 is."""
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "oscar_nd8.emulator", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_for(f"{url}/_emulator/state")
            with emulated_nd8(url) as nd8:
                yield nd8
        finally:
            process.terminate()
