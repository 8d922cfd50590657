"""A shop that has no Wagtail: it starts, checks clean and sells, and nothing asks for what is not there."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Every package that comes with Wagtail alone.
PROGRAM = """
import sys

class Missing:
    def find_spec(self, name, *_):
        if name.split(".")[0] in {"wagtail", "django_filters", "modelcluster", "taggit", "segno", "openpyxl"}:
            raise ImportError(name)

sys.meta_path.insert(0, Missing())

import django
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.test import Client

settings.ALLOWED_HOSTS = ["testserver"]
django.setup()
settings.MIGRATION_MODULES = {config.label: None for config in apps.get_app_configs()}
call_command("check", fail_level="ERROR")
call_command("migrate", run_syncdb=True, verbosity=0)
browser = Client()
for path in ("/basket/", "/dashboard/payments/", "/payments-by-nd8/webhook/"):
    print(path, browser.get(path).status_code)

import pkgutil, importlib, oscar_nd8
for info in pkgutil.walk_packages(oscar_nd8.__path__, "oscar_nd8."):
    if not any(part in info.name for part in (".cms", ".emulator", ".testing", ".migrations")):
        importlib.import_module(info.name)
print("no Wagtail:", "wagtail" not in sys.modules)
"""


def test_a_shop_with_oscar_only_runs_without_wagtail() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env={"DJANGO_SETTINGS_MODULE": "tests.shops.plain_oscar", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-4:] == [
        "/basket/ 200",
        "/dashboard/payments/ 302",
        "/payments-by-nd8/webhook/ 405",
        "no Wagtail: True",
    ]
