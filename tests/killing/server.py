"""Gunicorn's settings: one worker that does everything, loaded and warm before it is forked, its pid in a file."""

import os
from pathlib import Path
from typing import Any

from django.db import connections
from django.test import Client

preload_app = True
worker_class = "gthread"
workers = 1
threads = 4
timeout = 60
loglevel = "error"


def when_ready(server: Any) -> None:
    """Whatever Django loads late is loaded once, and not by each new worker."""
    Client().get("/checkout/", HTTP_HOST="127.0.0.1")
    connections.close_all()


def post_fork(server: Any, worker: Any) -> None:
    """Say whom to kill."""
    Path(os.environ["WORKER_PID_FILE"]).write_text(str(worker.pid))
