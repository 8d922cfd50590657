"""Web servers and how they connect to the database, beside each other: the webhook behind each of them, in turns."""

import statistics
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack

from tests.bench.figures import Figure, Profile, at_least, in_turns, percentile
from tests.bench.load import Load, hammer
from tests.bench.shop import provider
from tests.bench.webhook import GUNICORN, QUEUES, QUIETLY, placed_session, requests_to, served

NAME = "servers"
GRANIAN = (sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", "{port}", *QUIETLY)
SERVERS = {
    "gunicorn, 2 processes": GUNICORN,
    "gunicorn, 2 processes of 4 threads": (*GUNICORN, "--worker-class", "gthread", "--threads", "4"),
    "granian, 2 processes of 4 threads": (*GRANIAN, "--blocking-threads", "4"),
}
# "none" is CONN_MAX_AGE = None; "0" is Django's default.
CONNECTIONS = {"kept": "none", "one a request": "0"}


def run(profile: Profile) -> Iterator[Figure]:
    """All of them run, and one at a time is asked; the first is what the others are compared with."""
    posts, rounds = profile.pick(200, 4000), profile.pick(3, 5)
    with provider() as nd8, ExitStack() as running:
        sessions = [placed_session(number) for number in range(profile.pick(20, 200))]
        asked: dict[str, Callable[[], Load]] = {}
        for server, command in SERVERS.items():
            for what, age in CONNECTIONS.items():
                environment = {"BENCH_QUEUE": QUEUES["queue elsewhere"][0], "BENCH_PROVIDER": nd8.url, "BENCH_AGE": age}
                address = running.enter_context(served(environment, command))

                def ask(address: tuple[str, int] = address) -> Load:
                    return hammer(address, requests_to("/nd8/webhook/", sessions, posts))

                ask()
                asked[f"{server}; connection {what}"] = ask
        loads = in_turns(*asked.values(), rounds=rounds)
    first = _rate(loads[0])
    for what, found in zip(asked, loads, strict=True):
        rate = _rate(found)
        slow = percentile([each for load in found for each in load.latencies], 99)
        detail = f"{rate:.0f}/s, 99th percentile {slow:.1f} ms"
        yield at_least(0, what, rate / first, unit="of the first", detail=detail)


def _rate(loads: list[Load]) -> float:
    assert not any(load.refused for load in loads)
    return statistics.median(load.per_second for load in loads)
