"""Staff give money back: as much as they confirmed, once, and they are told what became of it whatever goes wrong."""

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.journeys.running_shop import RunningShop, text_of
from tests.journeys.steps import (
    Guest,
    arrive,
    begin_refund,
    choose,
    eventually,
    fits,
    go_to_preview,
    pay_now,
    read_thank_you,
    review_refund,
    tab_to,
)

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("journeys")]


def buy(page: Page, guest: Guest, amount: str, *titles: str, outcome: str = "Pay") -> str:
    """A guest's order; its number."""
    go_to_preview(page, guest, *titles)
    pay_now(page, amount)
    choose(page, outcome)
    return read_thank_you(page)


def refunds_of(shop: RunningShop, guest: Guest) -> list[tuple[str, str]]:
    """Amount and status of every refund that ND8 has for a payer, oldest first."""
    [checkout] = shop.checkouts_of(guest.email)
    known = [one for one in shop.nd8_state()["refunds"] if one["transaction_id"] in checkout["transactions"]]
    return [(one["amount"], one["status"]) for one in known]


def end_last(shop: RunningShop, guest: Guest) -> None:
    """Let ND8 complete the newest refund of a payer."""
    [checkout] = shop.checkouts_of(guest.email)
    known = [one for one in shop.nd8_state()["refunds"] if one["transaction_id"] in checkout["transactions"]]
    shop.control(f"refunds/{known[-1]['id']}/outcome", status="completed")


def test_two_parts_by_line_until_nothing_is_left(page: Page, shop: RunningShop, guest: Guest, staff: Page) -> None:
    number = buy(page, guest, "35.10 USD", "Dotted notebook", "Enamel mug")

    begin_refund(staff, number)
    staff.get_by_label("Pieces of Enamel mug").fill("1")
    expect(staff.locator("#nd8-refund-sum")).to_have_text("$18.50")
    staff.get_by_label("Shipping: Standard").check()
    expect(staff.locator("#nd8-refund-sum")).to_have_text("$23.49")
    staff.get_by_label("Shipping: Standard").uncheck()
    review_refund(staff, "The mug arrived broken")
    expect(staff.get_by_text(f"Give $18.50 USD back to Gail {guest.surname} ({guest.email})?")).to_be_visible()
    assert refunds_of(shop, guest) == []
    tab_to(staff, staff.get_by_role("button", name="Give $18.50 back"))
    staff.keyboard.press("Enter")
    arrive(staff, f"Refund of $18.50 for {number}")
    expect(staff.get_by_text("ND8 accepted the refund: the money is on its way to the customer.")).to_be_visible()

    end_last(shop, guest)

    expect(staff.get_by_text("ND8 confirmed it: the money went back to the customer.")).to_be_visible()
    [mail] = eventually(lambda: [one for one in shop.mails_to(guest.email) if "The mug arrived broken" in text_of(one)])
    assert "$18.50" in text_of(mail)

    begin_refund(staff, number)
    expect(staff.get_by_label("Pieces of Enamel mug")).to_have_count(0)
    staff.get_by_label("Pieces of Dotted notebook").fill("1")
    staff.get_by_label("Shipping: Standard").check()
    expect(staff.locator("#nd8-refund-sum")).to_have_text("$16.60")
    review_refund(staff, "The notebook, too")
    staff.get_by_role("button", name="Give $16.60 back").click()
    arrive(staff, f"Refund of $16.60 for {number}")
    end_last(shop, guest)
    expect(staff.get_by_text("ND8 confirmed it")).to_be_visible()

    assert refunds_of(shop, guest) == [("18.50", "completed"), ("16.60", "completed")]
    staff.get_by_role("link", name=f"Order {number}").click()
    staff.get_by_role("link", name="ND8 payment").click()
    tab = staff.locator("#nd8-payment")
    expect(tab.get_by_text("Nothing is left to be refunded.")).to_be_visible()
    expect(tab.get_by_role("link", name="Refund…")).to_have_count(0)


def test_two_members_of_staff_of_whom_one_clicks_twice_give_all_back_once(
    page: Page, shop: RunningShop, guest: Guest, staff: Page, new_context: Callable[..., BrowserContext]
) -> None:
    number = buy(page, guest, "16.60 USD", "Dotted notebook")
    colleague = new_context(storage_state=staff.context.storage_state()).new_page()
    for each in (staff, colleague):
        begin_refund(each, number)
        each.get_by_label("Everything that is left: $16.60 USD").check()
        expect(each.locator("#nd8-refund-sum")).to_have_text("$16.60")
        review_refund(each, "Out of stock")

    staff.get_by_role("button", name="Give $16.60 back").dblclick()
    arrive(staff, f"Refund of $16.60 for {number}")
    colleague.get_by_role("button", name="Give $16.60 back").click()

    arrive(colleague, f"Refund {number}")
    expect(colleague.get_by_text("Nothing of this payment is left to be given back.")).to_be_visible()
    expect(colleague.get_by_role("textbox")).to_have_count(0)
    assert refunds_of(shop, guest) == [("16.60", "processing")]


def test_a_lost_answer_is_found_out_and_a_refund_made_at_nd8_is_shown(
    page: Page, shop: RunningShop, guest: Guest, staff: Page
) -> None:
    number = buy(page, guest, "16.60 USD", "Dotted notebook")
    begin_refund(staff, number)
    staff.get_by_label("Another amount, in USD").fill("5")
    review_refund(staff, "A page is torn")
    shop.control("deliveries", drop=True)
    shop.control("faults", operation="createRefundForPayment", kind="garbage", times=1)
    shop.control("faults", operation="listRefunds", kind="garbage", times=99)
    staff.get_by_role("button", name="Give $5.00 back").click()
    arrive(staff, f"Refund of $5.00 for {number}")
    expect(staff.get_by_text("The answer was lost: the money may be on its way or not.")).to_be_visible()
    expect(staff.get_by_text("Do not refund again.")).to_be_visible()
    expect(staff.get_by_role("link", name="Refund more…")).to_have_count(0)

    shop.control("faults", operation="listRefunds", kind="garbage", times=0)
    shop.control("deliveries")

    expect(staff.get_by_text("ND8 accepted the refund")).to_be_visible(timeout=40_000)
    assert refunds_of(shop, guest) == [("5.00", "processing")]

    [checkout] = shop.checkouts_of(guest.email)
    shop.control(f"transactions/{checkout['transactions'][0]}/refund", amount="2.00", reason="Goodwill")
    rows = staff.locator(".nd8-payments tbody tr")

    def both_are_found() -> bool:
        staff.goto("/dashboard/payments/refunds/")
        staff.get_by_label("Search", exact=True).fill(guest.email)
        staff.get_by_role("button", name="Search").click()
        expect(rows.first).to_contain_text(guest.email)
        return rows.count() == 2

    assert eventually(both_are_found)
    expect(rows.first).to_contain_text("$2.00")
    expect(rows.first).to_contain_text("In ND8's dashboard")
    with staff.expect_download() as download:
        staff.get_by_role("button", name="Download as CSV").click()
    table = download.value.path().read_text("utf-8-sig")
    assert [line.split(",")[:2] for line in table.splitlines()[1:]] == [[number, guest.email]] * 2


def test_a_refusal_is_told_on_a_phone_and_without_javascript(
    page: Page, shop: RunningShop, guest: Guest, staff: Page, new_context: Callable[..., BrowserContext]
) -> None:
    number = buy(page, guest, "16.60 USD", "Dotted notebook", outcome="Pay, deposit pending")
    state = staff.context.storage_state()
    plain = new_context(storage_state=state, java_script_enabled=False, is_mobile=True, has_touch=True).new_page()
    plain.set_viewport_size({"width": 390, "height": 844})
    begin_refund(plain, number)
    plain.get_by_role("button", name="Continue").click()
    assert fits(plain)
    expect(plain.get_by_role("alert")).to_contain_text("Please give a reason: the customer is shown it.")
    plain.get_by_label("Pieces of Dotted notebook").fill("1")
    review_refund(plain, "Out of stock")
    expect(plain.get_by_text("Give $11.61 USD back")).to_be_visible()
    assert fits(plain)
    plain.get_by_role("button", name="Change").click()
    expect(plain.get_by_label("Pieces of Dotted notebook")).to_have_value("1")
    review_refund(plain, "Out of stock")
    plain.get_by_role("button", name="Give $11.61 back").click()

    arrive(plain, f"Refund of $11.61 for {number}")
    assert fits(plain)
    expect(plain.get_by_text("ND8 refused the refund: nothing was refunded")).to_be_visible()
    expect(plain.get_by_text("This payment's deposit has not succeeded yet.")).to_be_visible()
    assert refunds_of(shop, guest) == []
