"""kill -9, again and again, while two hundred people pay: nobody pays for nothing, nobody twice, nothing is stuck."""

import json
import os
import random
import re
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest

from oscar_nd8.services.reconcile import Done
from oscar_nd8.testing import make_countries, make_product
from tests.killing.shop import KillableShop, killable_shop
from tests.killing.shoppers import PATIENCE, AtThePreview, at_the_preview, buy

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]

PURCHASES = int(os.environ.get("KILLED_PURCHASES", "200"))
AT_ONCE = 4
WHOLE_KILLS = (100,)  # after so many purchases nothing is left alive

TOLD = """
    SELECT DISTINCT checkout_id FROM oscar_nd8_webhookevent
"""
DONE = f"{TOLD} WHERE status = 'processed'"
ACCOUNTS = """
    SELECT session.checkout_id, session.status, session.amount, session.order_number, placed.number,
           placed.total_incl_tax, count(source.id), sum(source.amount_allocated), sum(source.amount_debited)
      FROM oscar_nd8_paymentsession AS session
      JOIN order_order AS placed ON session.order_id = placed.id
      LEFT JOIN payment_source AS source ON source.order_id = placed.id
     GROUP BY session.id, placed.id
"""
STILL_IN_A_BASKET = """
    SELECT count(*) FROM basket_line AS line
      JOIN basket_basket AS basket ON line.basket_id = basket.id
      JOIN oscar_nd8_paymentsession AS session ON session.source_basket_id = basket.id
     WHERE basket.status = 'Open' AND session.status = 'placed'
"""
STUCK = """
    SELECT 'session', status, id FROM oscar_nd8_paymentsession
     WHERE status = 'paid' OR (status = 'placed' AND (due_at IS NOT NULL OR mailed_at IS NULL))
    UNION ALL SELECT 'event', status, id FROM oscar_nd8_webhookevent WHERE status IN ('received', 'failed')
    UNION ALL SELECT 'matter', kind, id FROM oscar_nd8_attention
"""


def test_two_hundred_purchases_survive_kill_9_at_random_points(tmp_path: Path) -> None:
    make_countries()
    shoppers = at_the_preview(make_product("Enamel mug", "9.99", stock=10_000), PURCHASES)
    with killable_shop(tmp_path) as shop:
        shop.start()
        _everybody_buys(shoppers, shop)
        shop.kill()
        told = {checkout for (checkout,) in shop.rows(TOLD)}
        shop.start()

        run = shop.manage("nd8_reconcile")

        assert run.returncode == 0, run.stdout + run.stderr
        _all_is_accounted_for(shop, told)
        second = shop.manage("nd8_reconcile").stdout
        # Pages that nobody can pay, because their process died while it made them, are closed when they are old enough.
        left = [done for done in (Done.PLACED, Done.HELD, Done.BOOKED, Done.MAILED, Done.PROCESSED) if done in second]
        assert left == [], f"a second run still found something to do: {second}"
        _tell_the_rest(shop)
        _all_is_accounted_for(shop, {each["checkout_id"] for each in shop.nd8_state()["transactions"]})
        assert shop.kills > PURCHASES / 10, "hardly anybody was killed"
        buyers = shop.rows("SELECT guest_email FROM order_order")
        assert sorted(email for (email,) in buyers) == sorted(each.email for each in shoppers), "one order each"


def _everybody_buys(shoppers: list[AtThePreview], shop: KillableShop) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        buying = [pool.submit(buy, each, shop, random.Random(number)) for number, each in enumerate(shoppers)]
        for number, purchase in enumerate(buying):
            purchase.result()
            if number in WHOLE_KILLS:
                shop.restart()


def _tell_the_rest(shop: KillableShop) -> None:
    """ND8 gave up on some before anything of them was stored; its dashboard sends them again, and again if it must."""
    books = shop.nd8_state()
    checkouts = {each["id"]: each["checkout_id"] for each in books["transactions"]}
    sent = {checkouts[json.loads(each["body"])["transaction_id"]]: each["id"] for each in books["deliveries"]}
    deadline = time.monotonic() + PATIENCE
    while lost := sent.keys() - {checkout for (checkout,) in shop.rows(DONE)}:
        assert time.monotonic() < deadline, f"the shop does not take what ND8 has to tell of {lost}"
        for checkout in lost:
            shop.control(f"deliveries/{sent[checkout]}/resend")
        time.sleep(len(lost) / 5)


def _all_is_accounted_for(shop: KillableShop, checkouts: set[str]) -> None:
    """Of these: a payment is an order of its amount, booked once, told once; and nothing of anything is stuck."""
    assert shop.rows(STUCK) == []
    books = shop.nd8_state()["transactions"]
    paid = {each["checkout_id"]: Decimal(each["total"]) for each in books if each["checkout_id"] in checkouts}
    assert {each["status"] for each in books} == {"paid"}
    assert len(paid) == len(checkouts), "somebody paid one page twice"
    accounts = {row[0]: row[1:] for row in shop.rows(ACCOUNTS)}
    assert set(accounts) == set(paid)
    assert shop.rows("SELECT count(*) FROM order_order") == [(len(paid),)]
    for checkout, (status, amount, wanted, number, total, sources, allocated, debited) in accounts.items():
        assert (status, number, sources) == ("placed", wanted, 1)
        assert Decimal(amount) / 100 == total == allocated == debited == paid[checkout]
    assert shop.rows(STILL_IN_A_BASKET) == [(0,)]
    told = Counter(
        number for mail in shop.mails() for number in re.findall(r"Subject: Confirmation of order (\d+)", mail)
    )
    assert set(told) == {wanted for _status, _amount, wanted, *_rest in accounts.values()}, "an order without a mail"
    # Whoever is killed between sending a mail and noting it sends it again; nobody else does.
    assert told.total() - len(told) <= shop.kills
