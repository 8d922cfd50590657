"""The documents and the code say the same, wherever a machine can tell."""

import ast
import inspect
import re
import typing
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics import MetricWrapperBase
from pydantic import SecretStr

import oscar_nd8
from oscar_nd8 import signals, states, testing
from oscar_nd8.checkout.mixins import ND8PaymentDetailsMixin, ND8PaymentMethodMixin
from oscar_nd8.client import ND8Client, Page
from oscar_nd8.client import _operations as client_operations
from oscar_nd8.conf import ND8Settings
from oscar_nd8.emulator.__main__ import _parser
from oscar_nd8.emulator.conditions import ACCOUNT_FIELDS, MODE_FIELDS
from oscar_nd8.emulator.faults import KINDS
from oscar_nd8.emulator.operations import OPERATIONS
from oscar_nd8.emulator.outcomes import Outcome
from oscar_nd8.emulator.pay import CHOICES
from oscar_nd8.findings import Subject
from oscar_nd8.metrics import exporter
from oscar_nd8.models import STATUS_LABELS, Attention
from oscar_nd8.services import examine_records as examined
from oscar_nd8.services.measure_backlog import Backlog

ROOT = Path(oscar_nd8.__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", *(page for page in DOCS.rglob("*.md") if "_build" not in page.parts)])
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```", re.M | re.S)
ID = re.compile(r"oscar_nd8\.[EW]\d{3}")


def read(name: str) -> str:
    """A page of docs/."""
    return (DOCS / name).read_text()


def section(text: str, heading: str) -> str:
    """What stands below `heading`, up to the next one of its own depth or above."""
    depth = len(heading.split()[0])
    found = re.search(rf"^{re.escape(heading)}\n(.*?)(?=^#{{1,{depth}}} |\Z)", text, re.M | re.S)
    assert found, f"no section {heading!r}"
    return found[1]


def rows(text: str) -> list[list[str]]:
    """The cells of all tables in `text`, without their heads."""
    bodies = re.findall(r"^\|[-| ]+\|\n((?:\|.*\n?)+)", text, re.M)
    return [[cell.strip() for cell in line.strip("| ").split("|")] for body in bodies for line in body.splitlines()]


def in_code(text: str) -> list[str]:
    """What stands between backticks."""
    return re.findall(r"`([^`]+)`", text)


def first_names(text: str) -> list[str]:
    """The names that begin the rows of the tables in `text`."""
    return [name for row in rows(text) for name in in_code(row[0])]


def as_written(default: Any) -> str:
    """A default as a page writes it."""
    if isinstance(default, SecretStr):
        default = default.get_secret_value()
    if isinstance(default, str):
        return f'"{default}"'
    return str(default).replace("'", '"')


def test_every_setting_is_listed_in_order_with_its_default() -> None:
    listed = {
        in_code(name)[0]: default.strip("`")
        for name, _kind, default, *_ in rows(section(read("settings.md"), "## Keys"))
    }
    real = {
        name: "required" if field.is_required() else as_written(field.default)
        for name, field in ND8Settings.model_fields.items()
    }
    assert list(listed.items()) == list(real.items())


def test_every_system_check_is_listed_once_and_none_is_invented() -> None:
    real = {found for path in (ROOT / "oscar_nd8").rglob("*.py") for found in ID.findall(path.read_text())}
    assert first_names(section(read("settings.md"), "## System checks")) == sorted(real)


def test_every_move_of_a_session_is_in_the_table() -> None:
    table = rows(section(read("how-it-works.md"), "### Of a session"))
    listed = {in_code(row[0])[0]: set(in_code(row[1])) for row in table}
    real = {status.name: {to.name for to in targets} for status, targets in states.SESSION_MOVES.items()}
    assert listed == real
    assert len(table) == len(listed)


def test_every_move_of_a_refund_is_in_the_table() -> None:
    table = rows(section(read("how-it-works.md"), "### Of a refund"))
    listed = {in_code(row[0])[0]: set(in_code(row[2])) for row in table}
    assert listed == {status.name: {to.name for to in targets} for status, targets in states.REFUND_MOVES.items()}
    assert len(table) == len(listed)


@pytest.mark.parametrize(
    ("heading", "enum"),
    [
        ("### Of a payment", states.PaymentState),
        ("### Of a deposit", states.DepositState),
        ("### Of an event", states.EventStatus),
    ],
)
def test_every_other_state_is_in_its_table(heading: str, enum: type[StrEnum]) -> None:
    assert first_names(section(read("how-it-works.md"), heading)) == [state.name for state in enum]


def test_staff_find_every_status_and_matter_under_the_words_they_see() -> None:
    page = read("staff.md")
    statuses = [row[0] for row in rows(section(page, "## What a status means"))]
    assert statuses == [str(label) for label in STATUS_LABELS.values()]
    matters = [row[0] for row in rows(section(page, "## What needs attention"))]
    assert matters == [str(label) for label in Attention.Kind.labels]


def test_everything_in_the_list_of_places_exists() -> None:
    listed = first_names(section(read("how-it-works.md"), "## Where X happens"))
    assert listed
    assert [path for path in listed if not (ROOT / path).exists()] == []
    services = {str(path.relative_to(ROOT)) for path in (ROOT / "oscar_nd8" / "services").glob("[a-z]*.py")}
    assert services <= set(listed)


def test_everything_that_is_examined_is_listed_in_its_order() -> None:
    page = read("operations.md")
    listed = first_names(section(page, "#### What is examined"))
    assert listed == [subject.value for subject in Subject]
    limits = [[int(cell.split()[0]) for cell in row[1:]] for row in rows(section(page, "#### Silence"))]
    assert limits == [
        [examined.FIRST_PAGES_ODD, examined.FIRST_PAGES_WRONG],
        [examined.PAGES_ODD, examined.PAGES_WRONG],
    ]


def test_every_signal_is_described_with_its_arguments() -> None:
    described = {in_code(row[0])[0]: in_code(row[1]) for row in rows(read("signals.md"))}
    documented = re.findall(r"^- `(\w+)\((.*?)\)`", signals.__doc__ or "", re.M)
    assert set(described) == set(signals.__all__)
    assert described == {name: arguments.split(", ") for name, arguments in documented}


def test_every_metric_is_listed_with_its_labels() -> None:
    listed = [(in_code(row[0])[0], row[1].split()[0].rstrip(","), in_code(row[2])) for row in rows(metrics_table())]
    counted = [each for each in vars(exporter).values() if isinstance(each, MetricWrapperBase)]
    real = [(told_as(each), each._type, list(each._labelnames)) for each in counted]
    gauges = [each for each in exporter.families(measured_nothing()) if isinstance(each, GaugeMetricFamily)]
    real += [(each.name, each.type, list(each._labelnames)) for each in gauges]
    assert sorted(listed) == sorted(real)


def metrics_table() -> str:
    """Every metric with its unit and labels."""
    return section(read("metrics.md"), "### What is counted")


def told_as(metric: MetricWrapperBase) -> str:
    """A counter's samples bear a name of their own."""
    return f"{metric._name}_total" if metric._type == "counter" else metric._name


def measured_nothing() -> Backlog:
    """A shop where nothing waits."""
    return Backlog(matters={}, events={}, oldest_event=0, payments={}, overdue=0)


def test_the_spans_are_listed() -> None:
    listed = set(first_names(section(read("metrics.md"), "## OpenTelemetry")))
    source = "".join(path.read_text() for path in (ROOT / "oscar_nd8" / "services").glob("*.py"))
    assert listed == {f"nd8 {work}" for work in re.findall(r'@observed\("(\w+)"', source)} | {"ND8 getPaymentById"}


def method_as_listed(name: str) -> list[str]:
    """The row of the client's method `name`: operation, credentials, what it takes and gives, and its kind."""
    method = getattr(ND8Client, name)
    (operation,) = (each for each in client_operations.OPERATIONS if f"({each.id})" in method.__doc__)
    hints = typing.get_type_hints(method)
    given = hints.pop("return")
    takes = ["id" if kind is str else f"`{(typing.get_args(kind) or (kind,))[0].__name__}`" for kind in hints.values()]
    inner = given.__pydantic_generic_metadata__["args"] if issubclass(given, Page) else ()
    gives = f"`Page` of `{inner[0].__name__}`" if inner else f"`{given.__name__}`"
    return [
        f"`{name}`",
        f"`{operation.id}`",
        {"API_KEY": "API key", "MERCHANT_TOKEN": "merchant token", "NONE": "nobody"}[operation.credentials.name],
        ", ".join(takes),
        "nothing" if given is type(None) else gives,
        "read" if operation.repeatable else "write",
    ]


def test_every_method_of_the_client_is_listed_as_it_is() -> None:
    listed = rows(section(read("client.md"), "## Methods"))
    public = {name: member for name, member in vars(ND8Client).items() if not name.startswith("_")}
    methods = [name for name, member in public.items() if not isinstance(member, property)]
    names = [name for name in methods if "_" in name and name != "iterate_refunds"]
    assert sorted(listed) == sorted(method_as_listed(name) for name in names)
    assert {in_code(row[1])[0] for row in listed} == {each.id for each in client_operations.OPERATIONS}


def test_the_emulator_is_described_whole() -> None:
    page = read("emulator.md")
    words = set(in_code(FENCE.sub("", page)))
    options = {action.option_strings[0] for action in _parser()._actions} - {"-h"}
    missing = {*options, *Outcome, *KINDS, *MODE_FIELDS, *ACCOUNT_FIELDS, *(each.name for each in OPERATIONS)} - words
    assert missing == set()
    assert [row[0] for row in rows(section(page, "## The hosted page"))] == [each.label for each in CHOICES.values()]


def test_every_control_call_has_a_heading_of_its_own() -> None:
    from oscar_nd8.emulator.control import blueprint
    from oscar_nd8.emulator.world import Setup, World, utc_now

    app = pytest.importorskip("flask").Flask("control")
    world = World(Setup(), clock=utc_now)
    app.register_blueprint(blueprint(world))
    world.close()
    world._http.close()
    calls = {
        re.sub(r"<\w+>", "{}", str(rule)).removeprefix("/_emulator/")
        for rule in app.url_map.iter_rules()
        if "POST" in (rule.methods or ())
    }
    headings = re.findall(r"^### `(.+)`$", read("emulator.md"), re.M)
    assert {re.sub(r"{\w+}", "{}", heading) for heading in headings} == calls


def test_the_kit_for_testing_is_described_whole() -> None:
    page = read("testing.md")
    fixtures = set(testing.plugin.__all__) - {"pytest_addoption"}
    assert set(first_names(section(page, "## Fixtures"))) == fixtures
    public = set(testing.__all__) - set(testing.plugin.__all__)
    assert set(first_names(section(page, "## To import"))) == public
    for word in (testing.plugin.OPTION, testing.plugin.VARIABLE, testing.plugin.INI):
        assert word in section(page, "## With an emulator that runs already")


@pytest.mark.parametrize(
    ("heading", "make"),
    [
        ("## What ND8 does", lambda: testing.ND8("http://127.0.0.1:9")),
        ("## What a shopper does", testing.Shopper),
    ],
)
def test_every_call_of_the_kit_is_described_as_it_can_be_made(heading: str, make: Callable[[], object]) -> None:
    thing = make()
    examples = [ast.parse(code, mode="eval").body for code in first_names(section(read("testing.md"), heading))]
    described = set()
    for each in examples:
        named = each.func if isinstance(each, ast.Call) else each
        assert isinstance(named, ast.Attribute)
        described.add(named.attr)
        if isinstance(each, ast.Call):
            keywords = {keyword.arg: keyword.value for keyword in each.keywords if keyword.arg}
            inspect.signature(getattr(thing, named.attr)).bind(*each.args, **keywords)
    assert described == {name for name in (*vars(type(thing)), *vars(thing)) if not name.startswith("_")}


def links(page: Path) -> Iterator[str]:
    """Targets of links and pictures outside of code."""
    text = re.sub(r"`[^`\n]*`", "", FENCE.sub("", page.read_text()))
    yield from re.findall(r"\]\(([^)\s]+)\)", text)


def anchors(page: Path) -> set[str]:
    """What can stand behind # in an address of this page."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text()), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in links(page):
        if re.match(r"https?://|mailto:", target):
            continue
        path, _, anchor = target.partition("#")
        goal = page.parent / path if path else page
        assert goal.exists(), target
        assert not anchor or anchor in anchors(goal), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_python_example_compiles_and_imports_what_exists(page: Path) -> None:
    for _indent, language, code in FENCE.findall(page.read_text()):
        if language == "python":
            compile(dedented(code), str(page), "exec")
            ours = re.findall(r"^ *from (oscar_nd8\S*|oscar\.apps\S*) import (.+)$", code, re.M)
            for module, names in ours:
                exec(f"from {module} import {names}", {})


def dedented(code: str) -> str:
    """An example inside a list stands further right."""
    indent = min((len(line) - len(line.lstrip()) for line in code.splitlines() if line.strip()), default=0)
    return "\n".join(line[indent:] for line in code.splitlines())


def example(path: str) -> dict[str, Any]:
    """What the file `path` of the README's fork defines."""
    found = [
        code
        for _indent, _language, code in FENCE.findall((ROOT / "README.md").read_text())
        if code.startswith(f"# {path}\n")
    ]
    assert len(found) == 1, path
    names: dict[str, Any] = {"__name__": path.removesuffix(".py").replace("/", ".")}
    exec(found[0], names)
    return names


def test_the_fork_in_the_readme_is_one_that_works() -> None:
    from oscar.apps.checkout import views

    from oscar_nd8 import checks

    config = example("myshop/checkout/apps.py")["CheckoutConfig"]
    assert (config.name, config.label) == ("myshop.checkout", "checkout")
    fork = example("myshop/checkout/views.py")
    assert issubclass(fork["PaymentMethodView"], ND8PaymentMethodMixin)
    details = fork["PaymentDetailsView"]
    order = [
        details.__mro__.index(each)
        for each in (ND8PaymentDetailsMixin, fork["OwnPaymentDetailsView"], views.PaymentDetailsView)
    ]
    assert order == sorted(order)
    assert list(checks.advice_on_views(payment=details, method=fork["PaymentMethodView"])) == []


def test_no_page_names_a_folder_of_ours_or_a_package_index() -> None:
    forbidden = re.compile(r"/(?:work|home|root|tmp)/|pypi\.|pythonhosted", re.I)
    assert [str(page) for page in PAGES if forbidden.search(page.read_text())] == []
