"""What the plugin adds to the start of a project with Oscar and Wagtail."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from tests.bench.figures import Figure, Profile, at_most, in_turns

NAME = "startup"
# The difference of two starts of one and a half seconds says nothing about 25 ms where other work may take a tenth of
# the processor. So what is added is measured by itself: the modules that are loaded with the plugin alone, each without
# those that it loads in turn.
PROGRAM = """
import gc, json, time
from importlib.machinery import SourceFileLoader

took, nested = {}, []
load = SourceFileLoader.exec_module

def timed(loader, module):
    nested.append(0.0)
    began = time.process_time()
    try:
        load(loader, module)
    finally:
        whole = time.process_time() - began
        took[module.__name__] = whole - nested.pop()
        if nested:
            nested[-1] += whole

# A look through all that was loaded before falls on whichever module is being loaded just then.
gc.disable()
# Wagtail loads it, too; whoever makes the first model looks for pydantic's plugins.
import pydantic
class First(pydantic.BaseModel):
    is_first: bool

SourceFileLoader.exec_module = timed
from django.apps import AppConfig
create = AppConfig.create

# And what an app does once all are loaded, without what it loads for that.
def created(entry):
    config = create(entry)
    if config.label == "checkout" or config.name.startswith("oscar_nd8"):
        ready = config.ready
        def timed_ready():
            nested.append(0.0)
            began = time.process_time()
            ready()
            took["ready: " + config.name] = time.process_time() - began - nested.pop()
        config.ready = timed_ready
    return config

AppConfig.create = created
began = time.process_time()
import django
from django.conf import settings
from sandbox_site import settings as shop
known = {name: getattr(shop, name) for name in dir(shop) if name.isupper()}
known["DATABASES"] = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
# The sandbox's own apps stand on the plugin, so they are left out of both.
not_measured = {"sandbox_site.home", "sandbox_site.seed"}
known["INSTALLED_APPS"] = [app for app in known["INSTALLED_APPS"] if app not in not_measured]
if PLUGIN:
    # Last, so that nothing falls on it that Django, Oscar and Wagtail would load without it.
    known["INSTALLED_APPS"].sort(key=lambda app: app.startswith("oscar_nd8") and "checkout" not in app)
else:
    known["INSTALLED_APPS"] = [
        "oscar.apps.checkout.apps.CheckoutConfig" if app.startswith("oscar_nd8.checkout") else app
        for app in known["INSTALLED_APPS"] if app == "oscar_nd8.checkout.apps.CheckoutConfig" or "oscar_nd8" not in app
    ]
settings.configure(**known)
django.setup()
took["the whole"] = time.process_time() - began
print(json.dumps(took))
"""


# Whoever works on this project may forbid Python to keep what it compiled; an installed package is compiled once.
COMPILES_EACH_TIME = "PYTHONDONTWRITEBYTECODE"


def run(profile: Profile) -> Iterator[Figure]:
    """Each start in a process of its own: the processor's time, for a start is nothing else."""
    with tempfile.TemporaryDirectory() as compiled:
        environment = {name: value for name, value in os.environ.items() if name != COMPILES_EACH_TIME}
        environment["PYTHONPYCACHEPREFIX"] = compiled

        def start(*, plugin: bool) -> Mapping[str, float]:
            """Seconds by module."""
            command = [sys.executable, "-c", f"PLUGIN = {plugin}\n{PROGRAM}"]
            done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
            found: Mapping[str, float] = json.loads(done.stdout)
            return found

        start(plugin=True), start(plugin=False)  # compiles
        bare, ours = in_turns(partial(start, plugin=False), partial(start, plugin=True), rounds=profile.pick(4, 12))
    # Instead of one of Oscar's apps the shop has ours.
    more = _alone(ours, beside=bare[0]) - _alone(bare, beside=ours[0])
    whole = min(each["the whole"] for each in bare)
    yield at_most(25, "start of the project", more * 1000, unit="ms more", detail=f"beside {whole * 1000:.0f} ms")


def _alone(starts: Sequence[Mapping[str, float]], *, beside: Mapping[str, float]) -> float:
    """What is loaded in `starts` and not in the one beside them, in seconds: the least of them, as timeit does."""
    return min(sum(each[name] for name in each.keys() - beside.keys()) for each in starts)
