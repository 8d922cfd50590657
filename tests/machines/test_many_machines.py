"""Two web servers and two workers on one PostgreSQL: a worker is killed, and nothing that was told is lost."""

import signal
import time
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django_tasks import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from oscar_nd8.models import WebhookEvent
from oscar_nd8.services.reconcile import Done, reconcile
from oscar_nd8.states import EventStatus
from oscar_nd8.testing import ND8, Shopper
from tests.machines.cluster import DATABASE_QUEUE, Cluster, cluster
from tests.machines.crowd import (
    burst,
    buy_at_once,
    notifications,
    require_one_order_each,
    unprocessed,
    wait_until_processed,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]

PURCHASES, TOLD = 10, 200
PATIENCE = 60


def test_what_a_killed_worker_left_is_picked_up_and_everybody_has_one_order(nd8: ND8, mug: Any, tmp_path: Path) -> None:
    with cluster(tmp_path, nd8_url=nd8.url, queue=DATABASE_QUEUE) as shop:
        shoppers = [Shopper(email=f"shopper-{number}@example.com") for number in range(PURCHASES)]
        for shopper in shoppers:
            shopper.add(mug).go_to_preview()
        buy_at_once(shoppers, shop, nd8, at_once=4)
        told = notifications(nd8, count=TOLD)
        wait_until_processed(seconds=PATIENCE)

        # The other one must not be done with everything before this one was seen at work.
        shop.workers[1].send_signal(signal.SIGSTOP)
        loads = burst(shop, told)
        assert [head for load in loads for head in load.refused] == []
        kill_with_work_in_its_hands(shop, 0)
        shop.workers[1].send_signal(signal.SIGCONT)

        wait_until_processed(but=1, seconds=PATIENCE)
        time.sleep(0.5)
        assert unprocessed() == 1, "nobody else knows of what the killed one held"
        assert reconcile().done[Done.PROCESSED] == 1
        require_one_order_each(shoppers, told, mail=shop.mail)


def kill_with_work_in_its_hands(shop: Cluster, number: int) -> None:
    """kill -9 to a worker that has begun with a notification, which was told once only, and not finished it."""
    worker = shop.workers[number]
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        worker.send_signal(signal.SIGSTOP)
        time.sleep(0.1)  # what it has sent to the database is done there all the same
        held = DBTaskResult.objects.filter(status=TaskResultStatus.RUNNING, worker_ids=[f"worker-{number}"]).first()
        if held and nothing_runs() and is_received(held.args_kwargs["args"][0]) and is_queued_once(held):
            worker.kill()
            worker.wait()
            return
        worker.send_signal(signal.SIGCONT)
        time.sleep(0.02)
    raise TimeoutError("the worker was never seen at work")


def nothing_runs() -> bool:
    """Whether no statement runs or waits in the database: a killed worker's own would be carried out all the same."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
            "AND backend_type = 'client backend' AND state = 'active'"
        )
        return bool(cursor.fetchone() == (0,))


def is_received(event_id: int) -> bool:
    """Whether the notification is not processed yet."""
    return WebhookEvent.objects.filter(pk=event_id, status=EventStatus.RECEIVED).exists()


def is_queued_once(task: Any) -> bool:
    """Whether no repeat of its notification is left to another worker."""
    return DBTaskResult.objects.filter(args_kwargs=task.args_kwargs).count() == 1
