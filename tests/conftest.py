"""The kit that shops test with, and the people and goods of our own tests."""

import sys
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
import stamina

from oscar_nd8.testing import ND8, Shopper, make_countries, make_product, make_user
from tests.emptying import empty_after_commits
from tests.regular import Regular

if TYPE_CHECKING:
    from oscar_nd8.models import PaymentSession

pytest_plugins = ["oscar_nd8.testing"]

# A busy machine is no failure, and what passed once passes again: `--hypothesis-profile=fresh` looks for new examples.
hypothesis.settings.register_profile("steady", deadline=None, derandomize=True)
hypothesis.settings.register_profile("fresh", deadline=None)
hypothesis.settings.load_profile("steady")

# What takes minutes, longest first; each is handed out as a whole.
LONGEST = ("tests/journeys/", "tests/services/test_hunt.py", "tests/killing/", "tests/machines/")
# What these drive runs in processes of its own.
ELSEWHERE = ("tests/journeys/", "tests/killing/", "tests/machines/")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Several workers begin with what takes longest, so that none is left alone with it in the end."""
    for item in items:
        if item.nodeid.startswith(ELSEWHERE):
            item.add_marker("no_cover")
    if hasattr(config, "workerinput"):
        items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    return next((turn for turn, part in enumerate(LONGEST) if item.nodeid.startswith(part)), len(LONGEST))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Generator[None, object, object]:
    """Measure what tests do, and not what is prepared for them: who is watched takes nearly twice as long."""
    watcher = sys.gettrace()
    if not type(watcher).__module__.startswith("coverage"):
        return (yield)
    sys.settrace(None)
    try:
        return (yield)
    finally:
        sys.settrace(watcher)


@pytest.fixture(scope="session", autouse=True)
def _emptied_fast() -> None:
    empty_after_commits()


@pytest.fixture
def repeated_at_once() -> Iterator[None]:
    """Reads that fail are repeated as often as in a shop, but without its waits, which have tests of their own."""
    with stamina.set_testing(True, attempts=99, cap=True):
        yield


@pytest.fixture
def nd8(nd8: ND8, repeated_at_once: None) -> ND8:
    """The kit's, whose failures keep nobody waiting."""
    return nd8


@pytest.fixture
def countries(db: None) -> None:
    """US and Germany."""
    make_countries()


@pytest.fixture
def mug(countries: None) -> Any:
    """Stock tracked, 9.99 USD."""
    return make_product("Enamel mug", "9.99")


@pytest.fixture
def guest(nd8: ND8, countries: None) -> Shopper:
    """Somebody without an account."""
    return Regular()


@pytest.fixture
def user(countries: None) -> Any:
    """A customer's account."""
    return make_user()


@pytest.fixture
def customer(nd8: ND8, user: Any) -> Shopper:
    """Somebody signed in."""
    return Regular(user=user)


@pytest.fixture
def session(guest: Shopper, mug: Any) -> "PaymentSession":
    """The guest is on ND8's page to pay for one mug: 14.98 with shipping."""
    return guest.begin_payment(mug)
