"""Every page of ours, at a desk and on a phone, as axe-core reads it: no serious and no critical finding."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page, expect

from tests.journeys.conftest import OpenContext
from tests.journeys.running_shop import RunningShop
from tests.journeys.scene import VISITOR
from tests.journeys.steps import Guest, choose, choose_nd8, fits, log_in, pay_now, put_in_basket, ship_to

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("journeys")]

FAILING = {"serious", "critical"}
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
# At a desk everything that WCAG 2.1 AA asks for. On a phone things may be hidden, squeezed or to be scrolled, and are
# touched by fingers; their colours are those of the desk, and reading them again would take half of the time.
RULES: dict[int, dict[str, Any]] = {
    1200: {"runOnly": {"type": "tag", "values": WCAG}},
    390: {
        "runOnly": {"type": "tag", "values": [*WCAG, "wcag22aa"]},
        "rules": {"color-contrast": {"enabled": False}},
    },
}
# What fades in is pale. Wagtail keeps animations that never end, and some that wait for something.
WHEN_ALL_IS_STILL = """() => Promise.race([
    Promise.allSettled(
        document.getAnimations().filter(
            each => each.playState === "running" && each.effect.getComputedTiming().endTime !== Infinity
        ).map(each => each.finished)
    ),
    new Promise(resolve => setTimeout(resolve, 400)),
])"""
# What Oscar, Django and Wagtail put around our pages, and what axe finds there.
OTHERS = {
    ".navbar": "Oscar's dashboard has the form to log out among the items of a list.",
    ".image_container": "Oscar's preview leads from a picture to nowhere, and says nothing about it.",
    ".breadcrumbs": "Django's admin tells the links of its breadcrumbs by a paler colour alone.",
    "#changelist-search": "Django's admin tells “Show all” beside its search by its colour alone.",
    "#changelist-filter": "Django's admin has filters that fingers hit only by luck.",
    "#wagtail-sidebar": "Wagtail's menu is all right, and the same on every page.",
}


class Eyes:
    """Looks at pages, and remembers what is wrong with them."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.found: list[str] = []

    @property
    def report(self) -> str:
        """A line for each finding."""
        return "\n".join(self.found)

    def visit(self, *addresses: str) -> None:
        """Open each and look at it."""
        for address in addresses:
            self.page.goto(address)
            self.look()

    def look(self, only: str = "") -> None:
        """At the page as it is, at both widths; at the part that `only` selects, where the rest is not ours."""
        context = {"include": [[only]]} if only else {"exclude": [[other] for other in OTHERS]}
        self.page.evaluate(AXE_SCRIPT)
        self.page.evaluate(WHEN_ALL_IS_STILL)
        for width, rules in RULES.items():
            self.page.set_viewport_size({"width": width, "height": 844})
            options = {**rules, "resultTypes": ["violations"], "selectors": False}
            result = self.page.evaluate("([context, options]) => axe.run(context, options)", [context, options])
            self.found += [f"{self.page.url} at {width} px: {each}" for each in _serious(result["violations"])]
            if not only and not fits(self.page):
                self.found.append(f"{self.page.url} at {width} px: has to be scrolled sideways")
        self.page.set_viewport_size({"width": 1200, "height": 844})


def _serious(violations: list[dict[str, Any]]) -> Iterator[str]:
    for violation in violations:
        if violation["impact"] in FAILING:
            for node in violation["nodes"]:
                reasons = [each["message"] for each in node["any"] + node["all"] + node["none"]]
                yield f"{violation['id']}: {node['html'][:160]} ({' '.join(reasons)[:240]})"


@pytest.fixture(scope="module")
def scene(shop: RunningShop) -> Any:
    """Keys of something in every state."""
    return json.loads(shop.manage("shell", "-v", "0", "-c", "from tests.journeys import scene; scene.make()"))


@pytest.fixture
def eyes(new_context: OpenContext, staff_cookies: Any) -> Eyes:
    """Those of staff."""
    return Eyes(new_context(storage_state=staff_cookies).new_page())


def test_these_eyes_see(page: Page) -> None:
    page.set_content('<html lang="en"><title>A button without a name</title><main><button></button></main></html>')
    eyes = Eyes(page)
    eyes.look()
    assert [each.partition(" px: ")[2][:11] for each in eyes.found] == ["button-name", "button-name"]


def test_what_shoppers_see(page: Page, shop: RunningShop, guest: Guest, scene: Any) -> None:
    eyes = Eyes(page)
    log_in(page, VISITOR)
    eyes.visit("/", "/cms/christmas-market/")
    put_in_basket(page, "Dotted notebook")
    page.goto("/checkout/")
    ship_to(page, guest)
    eyes.look()
    choose_nd8(page)
    eyes.look()
    pay_now(page, "16.60 USD")
    hosted = page.url
    eyes.look()
    choose(page, "Decline first, then pay")
    eyes.look()
    choose(page, "Pay")
    expect(page.locator("h1")).to_have_text(re.compile(r"Order \d+: confirmation"))
    eyes.visit(hosted, f"{shop.nd8_url}/")

    sessions = scene["sessions"]
    for name, outcome in [
        ("open", "failed"),
        ("open", "canceled"),
        ("under way", "success"),
        ("held", "success"),
        ("given back", "success"),
        ("failed", "failed"),
        ("canceled", "canceled"),
    ]:
        eyes.visit(f"/nd8/return/{sessions[name][1]}/{outcome}/")
    page.context.clear_cookies()
    eyes.visit(f"/nd8/return/{sessions['placed'][1]}/success/")
    assert not eyes.found, eyes.report


def test_what_the_customers_of_a_payment_link_see(browser: Any, shop: RunningShop, scene: Any) -> None:
    # Not the watched browser: Chromium writes every answer 410 into its console.
    page = browser.new_context(base_url=shop.url).new_page()
    eyes = Eyes(page)
    link = f"/nd8/link/{scene['link'][1]}/"
    eyes.visit(link, f"{link}pay/")
    page.get_by_role("button", name="Go to payment").click()
    expect(page.get_by_role("alert")).to_be_visible()
    eyes.look()
    eyes.visit(*(f"/nd8/link/{link_id}/" for link_id in scene["closed"]))
    eyes.visit("/nd8/link/00000000-0000-4000-8000-000000000000/")
    for name, outcome in [("sold", "success"), ("held", "success"), ("failed", "failed"), ("open", "success")]:
        eyes.visit(f"/nd8/link/result/{scene['by_link'][name][1]}/{outcome}/")
    eyes.visit(f"/nd8/link/result/{scene['by_link']['open'][1]}/canceled/")
    page.context.close()
    assert not eyes.found, eyes.report


def test_what_staff_see_in_oscars_dashboard(eyes: Eyes, scene: Any) -> None:
    page, home = eyes.page, "/dashboard/payments/"
    eyes.visit(home, f"{home}?status=lost", f"{home}?search=nobody-at-all")
    eyes.visit(*(f"{home}{scene['sessions'][name][0]}/" for name in ("placed", "held", "open")))
    eyes.visit(f"{home}{scene['by_link']['sold'][0]}/")

    eyes.visit(f"{home}{scene['sessions']['placed'][0]}/refund/")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("Nothing was given back.")).to_be_visible()
    eyes.look()
    page.get_by_label("Everything that is left").check()
    page.get_by_label("Reason").fill("A page is torn")
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("h1")).to_have_text("Give this money back?")
    eyes.look()
    eyes.visit(f"{home}refunds/", *(f"{home}refunds/{refund}/" for refund in scene["refunds"]))

    matter = f"{home}attention/{scene['matter']}/"
    eyes.visit(
        f"{home}attention/", matter, f"{home}attention/{scene['settled']}/", f"{matter}place/", f"{matter}dismiss/"
    )
    page.get_by_role("button", name="Dismiss").click()
    expect(page.get_by_text("Please say why")).to_be_visible()
    eyes.look()

    account = f"{home}account/"
    eyes.visit(account, f"{account}test/", f"{account}webhook/", f"{account}revoke/?key=1", f"{account}key/")
    page.get_by_role("button", name="Make the new key").click()
    expect(page.locator("h1")).to_have_text("The new API key")
    eyes.look()

    page.goto(f"/dashboard/orders/{scene['order']}/")
    page.get_by_role("link", name="ND8 payment").click()
    expect(page.locator("#nd8-payment")).to_be_visible()
    eyes.look(only="#nd8-payment")
    assert not eyes.found, eyes.report


def test_what_staff_see_in_djangos_admin(eyes: Eyes, scene: Any) -> None:
    page, home = eyes.page, "/django-admin/oscar_nd8"
    session, matter = f"{home}/paymentsession/{scene['sessions']['placed'][0]}", f"{home}/attention/{scene['matter']}"
    eyes.visit(*(f"{home}/{model}/" for model in ("paymentsession", "payment", "refund", "webhookevent", "attention")))
    eyes.visit(f"{home}/staffaction/", f"{session}/change/", f"{session}/refund/{scene['refunds'][0]}/")
    eyes.visit(f"{session}/refund/")
    page.get_by_label("Everything that is left").check()
    page.get_by_label("Reason").fill("A page is torn")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("A refund cannot be taken back.")).to_be_visible()
    eyes.look()
    eyes.visit(f"{matter}/change/", f"{matter}/place/", f"{matter}/dismiss/")
    eyes.visit(f"{home}/webhookevent/{scene['event']}/change/")
    assert not eyes.found, eyes.report


def test_what_staff_see_in_wagtails_admin(eyes: Eyes, scene: Any) -> None:
    page, home = eyes.page, "/cms-admin/payments/"
    eyes.visit(
        "/cms-admin/", f"{home}all/", *(f"{home}all/{scene['sessions'][name][0]}/" for name in ("placed", "held"))
    )
    eyes.visit(f"{home}all/{scene['sessions']['placed'][0]}/refund/")
    page.get_by_label("Everything that is left").check()
    page.get_by_label("Reason").fill("A page is torn")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("A refund cannot be taken back.")).to_be_visible()
    eyes.look()
    eyes.visit(f"{home}refunds/", f"{home}refunds/{scene['refunds'][0]}/")
    matter = f"{home}attention/{scene['matter']}/"
    eyes.visit(f"{home}attention/", matter, f"{matter}place/", f"{matter}dismiss/")
    assert not eyes.found, eyes.report


def test_what_editors_see_in_wagtails_admin(eyes: Eyes, scene: Any) -> None:
    page, home = eyes.page, "/cms-admin/payments/links/"
    link = f"{home}{scene['link'][0]}/"
    eyes.visit(
        home, link, f"{link}change/", f"{link}delete/", "/cms-admin/settings/nd8_cms/paymentdisplay/", f"{home}new/"
    )
    page.get_by_role("button", name="Make the link").click()
    expect(page.get_by_text("Please say what the link sells")).to_be_visible()
    eyes.look()

    for block, choice in (("Payment link", "Choose a payment link"), ("Product", "Choose a product")):
        page.goto("/cms-admin/pages/3/edit/")
        page.get_by_title("Insert a block").last.click()
        page.get_by_role("option", name=block, exact=True).click()
        page.get_by_role("button", name=choice, exact=True).last.click()
        expect(page.get_by_label("Search term")).to_be_visible()
        eyes.look(only=".modal-content")
    assert not eyes.found, eyes.report
