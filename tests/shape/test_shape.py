"""What comments would ask people to keep in sync, kept in sync."""

import ast
import importlib
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import oscar_nd8

ROOT = Path(oscar_nd8.__file__).parent.parent
OURS = sorted((ROOT / "oscar_nd8").rglob("*.py"))
TEMPLATES = sorted((ROOT / "oscar_nd8" / "templates").rglob("*.html"))


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command of the project's own tools."""
    bin_dir = Path(sys.executable).parent
    return subprocess.run(
        [str(bin_dir / command[0]), *command[1:]],
        cwd=ROOT,
        env={"PATH": str(bin_dir), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_imports_go_down() -> None:
    done = run("lint-imports")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_template_carries_inline_script_or_style(template: Path) -> None:
    text = template.read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_every_word_of_a_template_can_be_translated(template: Path) -> None:
    text = re.sub(r"{%\s*blocktrans.*?endblocktrans\s*%}|{%.*?%}|{{.*?}}|{#.*?#}", "", template.read_text(), flags=re.S)
    words = re.sub(r"<[^>]*>", " ", re.sub(r"{%\s*comment.*?endcomment\s*%}", "", text, flags=re.S))
    assert not re.search(r"[A-Za-z]{2,}", words), words.split()


@pytest.mark.parametrize("path", OURS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_opens_with_a_sentence(path: Path) -> None:
    source = path.read_text()
    if source.strip() and "migrations" not in path.parts:
        first = (ast.get_docstring(ast.parse(source)) or "").split("\n")[0]
        assert first, f"{path} has no docstring"


def test_what_a_module_declares_public_exists() -> None:
    for info in pkgutil.walk_packages(oscar_nd8.__path__, "oscar_nd8."):
        if ".migrations" in info.name or info.name.endswith("__main__"):
            continue
        module = importlib.import_module(info.name)
        missing = [name for name in getattr(module, "__all__", ()) if not hasattr(module, name)]
        assert not missing, (info.name, missing)


def test_the_package_can_be_imported_without_django() -> None:
    program = (
        "import sys\n"
        "class Blocker:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name.split('.')[0] in {'django', 'oscar', 'wagtail', 'flask'}: raise ImportError(name)\n"
        "sys.meta_path.insert(0, Blocker())\n"
        "import oscar_nd8.client, oscar_nd8.lines, oscar_nd8.states"
    )
    assert run("python", "-W", "error", "-c", program).stderr == ""


def test_a_shop_starts_without_the_client_and_the_services() -> None:
    program = (
        "import sys, django\n"
        "django.setup()\n"
        "from django.contrib import admin\n"
        "assert admin.site._registry and 'oscar_nd8.admin' in sys.modules\n"
        "heavy = 'httpx', 'stamina', 'oscar_nd8.client', 'oscar_nd8.nd8', 'oscar_nd8.services.settle'\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = run("python", "-c", program, DJANGO_SETTINGS_MODULE="sandbox_site.settings", PYTHONPATH=str(ROOT))
    assert done.stdout.strip() == "[]", done.stdout + done.stderr
