"""The example in the documents, run as a shop's developer would: another project, another process, plain Oscar."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import oscar_nd8
from oscar_nd8.emulator import Emulator, running

ROOT = Path(oscar_nd8.__file__).parent.parent
EXAMPLE = ROOT / "docs" / "examples" / "shop"
WITHOUT_PYTEST = ROOT / "docs" / "examples" / "without_pytest" / "tests.py"
SECONDS = 180

# Django's own runner, which knows no --nomigrations.
RUNNER = """
import django
django.setup()
from django.apps import apps
from django.conf import settings
from django.test.utils import get_runner
settings.MIGRATION_MODULES = {app.label: None for app in apps.get_app_configs()}
raise SystemExit(get_runner(settings)(verbosity=0).run_tests(["shop_tests"]))
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A shop's folder with the example's tests in it; a warning is an error there, as it may be anywhere."""
    for file in EXAMPLE.glob("*.py"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    settings = "[pytest]\nDJANGO_SETTINGS_MODULE = tests.shops.plain_oscar\nfilterwarnings = error\n"
    (tmp_path / "pytest.ini").write_text(settings)
    return tmp_path


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """An emulator that somebody started, with a secret that the shop does not know."""
    with running(webhook_secret="another", webhook_url="http://127.0.0.1:9/", retry_delays=()) as emulator:
        yield emulator


def python(shop: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Python in the shop's folder, with nothing of this process in its environment."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=shop,
        env={"PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def run_tests(shop: Path, *options: str, **environment: str) -> str:
    """pytest's last words."""
    done = python(shop, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, **environment)
    return f"{done.stdout}{done.stderr}"


def number_of_tests() -> int:
    return len(re.findall(r"^def test_", (EXAMPLE / "test_payments.py").read_text(), re.M))


def all_passed(output: str) -> bool:
    return f"\n{number_of_tests()} passed" in output


def test_the_example_passes_with_the_shops_migrations(shop: Path) -> None:
    output = run_tests(shop)
    assert all_passed(output), output


def test_the_example_passes_on_two_workers_each_with_an_emulator_of_its_own(shop: Path) -> None:
    output = run_tests(shop, "--nomigrations", "-n", "2")
    assert all_passed(output), output


def test_pytest_django_is_the_only_other_plugin_that_is_needed(shop: Path) -> None:
    (shop / "conftest.py").unlink()
    plugins = ["-p", "pytest_django.plugin", "-p", "oscar_nd8.testing"]
    output = run_tests(shop, "--nomigrations", *plugins, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    assert all_passed(output), output


def test_without_pytest_there_is_a_context_manager(shop: Path) -> None:
    (shop / "shop_tests.py").write_bytes(WITHOUT_PYTEST.read_bytes())
    done = python(shop, "-W", "error", "-c", RUNNER, DJANGO_SETTINGS_MODULE="tests.shops.plain_oscar")
    assert (done.returncode, "Ran 2 tests" in done.stderr) == (0, True), done.stderr


@pytest.mark.parametrize("way", ["option", "variable", "ini"])
def test_a_running_emulator_is_used_where_one_is_named_and_left_as_it_was(
    shop: Path, emulator: Emulator, way: str
) -> None:
    options, environment = [], {}
    if way == "option":
        options = ["--nd8-emulator-url", emulator.url]
    elif way == "variable":
        environment = {"ND8_EMULATOR_URL": emulator.url}
    else:
        with (shop / "pytest.ini").open("a") as file:
            file.write(f"nd8_emulator_url = {emulator.url}\n")
    (shop / "test_payments.py").write_text(
        "def test_where(nd8):\n"
        f"    assert nd8.url + '/' == {emulator.url!r}\n"
        "    assert nd8.state['organization']['webhook_url'] == ''\n"
    )

    output = run_tests(shop, *options, **environment)

    assert "\n1 passed" in output, output
    assert emulator.state()["organization"]["webhook_url"] == "http://127.0.0.1:9/"


def test_payments_at_a_running_emulator_are_signed_with_the_shops_own_secret(shop: Path, emulator: Emulator) -> None:
    output = run_tests(shop, "--nomigrations", "--nd8-emulator-url", emulator.url)
    assert all_passed(output), output


def test_two_workers_are_told_that_they_cannot_share_one(shop: Path, emulator: Emulator) -> None:
    output = run_tests(shop, "--nomigrations", "-n", "2", "--nd8-emulator-url", emulator.url)
    assert f"{number_of_tests()} errors" in output
    assert "cannot share the emulator" in output
    assert "passed" not in output


def test_an_emulator_that_does_not_run_is_named_with_the_way_out(shop: Path) -> None:
    output = run_tests(shop, "--nomigrations", "--nd8-emulator-url", "http://127.0.0.1:9")
    assert "No emulator of ND8 answers at http://127.0.0.1:9" in output
    assert "python -m oscar_nd8.emulator" in output
    assert "Traceback" not in output
