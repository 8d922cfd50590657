"""What the plugin adds to the start of a project with Oscar and Wagtail."""

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator

from tests.bench.figures import Figure, Profile, at_most, in_turns

NAME = "startup"
PROGRAM = """
import time
began = time.process_time()
import django
from django.conf import settings
from sandbox_site import settings as shop
known = {name: getattr(shop, name) for name in dir(shop) if name.isupper()}
known["DATABASES"] = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
# The sandbox's own apps stand on the plugin, so they are left out of both.
not_measured = {"sandbox_site.home", "sandbox_site.seed"}
known["INSTALLED_APPS"] = [app for app in known["INSTALLED_APPS"] if app not in not_measured]
if not PLUGIN:
    known["INSTALLED_APPS"] = [
        "oscar.apps.checkout.apps.CheckoutConfig" if app.startswith("oscar_nd8.checkout") else app
        for app in known["INSTALLED_APPS"] if app == "oscar_nd8.checkout.apps.CheckoutConfig" or "oscar_nd8" not in app
    ]
settings.configure(**known)
django.setup()
print(time.process_time() - began)
"""


# Whoever works on this project may forbid Python to keep what it compiled; an installed package is compiled once.
COMPILES_EACH_TIME = "PYTHONDONTWRITEBYTECODE"


def run(profile: Profile) -> Iterator[Figure]:
    """With and without, in turns, each in a process of its own: the processor's time, for a start is nothing else."""
    rounds = profile.pick(5, 25)
    with tempfile.TemporaryDirectory() as compiled:
        environment = {name: value for name, value in os.environ.items() if name != COMPILES_EACH_TIME}
        environment["PYTHONPYCACHEPREFIX"] = compiled

        def start(*, plugin: bool) -> float:
            command = [sys.executable, "-c", f"PLUGIN = {plugin}\n{PROGRAM}"]
            done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
            return float(done.stdout) * 1000

        # Twice: the first of each compiles, the second reads what was compiled.
        for _ in range(2):
            start(plugin=True), start(plugin=False)
        bare, with_plugin = in_turns(lambda: start(plugin=False), lambda: start(plugin=True), rounds=rounds)
    # The pairs' differences: what makes the machine slow for a while falls on both of a pair.
    more = statistics.median(b - a for a, b in zip(bare, with_plugin, strict=True))
    detail = f"{statistics.median(with_plugin):.0f} ms beside {statistics.median(bare):.0f} ms"
    yield at_most(25, "start of the project", more, unit="ms more", detail=detail)
