"""kill -9, again and again, while two hundred people pay: nobody pays for nothing, nobody twice, nothing is stuck."""

import json
import logging
import os
import random
import re
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest

from oscar_nd8.testing import make_countries, make_product
from tests.killing.shop import KillableShop, killable_shop
from tests.killing.shoppers import AtThePreview, at_the_preview, buy

logger = logging.getLogger(__name__)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]

PURCHASES = int(os.environ.get("KILLED_PURCHASES", "200"))
AT_ONCE = 4
WHOLE_KILLS = (70, 140)  # after so many purchases nothing is left alive

TOLD = """
    SELECT DISTINCT checkout_id FROM oscar_nd8_webhookevent
"""
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
        second = shop.manage("nd8_reconcile").stdout.splitlines()
        assert len(second) == 1, f"a second run still found something to do: {second}"
        _tell_the_rest(shop, told)
        _all_is_accounted_for(shop, {each["checkout_id"] for each in shop.nd8_state()["transactions"]})
        buyers = shop.rows("SELECT guest_email FROM order_order")
        assert sorted(email for (email,) in buyers) == sorted(each.email for each in shoppers), "one order each"
        logger.info(
            "%s purchases, %s kills, %s told later. %s", PURCHASES, shop.kills, PURCHASES - len(told), run.stdout
        )


def _everybody_buys(shoppers: list[AtThePreview], shop: KillableShop) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        buying = [pool.submit(buy, each, shop, comes_back=random.random() < 0.7) for each in shoppers]
        for number, purchase in enumerate(buying):
            purchase.result()
            if number in WHOLE_KILLS:
                shop.restart()


def _tell_the_rest(shop: KillableShop, told: set[str]) -> None:
    """ND8 gave up on some before anything of them was stored; its dashboard sends them again."""
    books = shop.nd8_state()
    checkouts = {each["id"]: each["checkout_id"] for each in books["transactions"]}
    lost = [each for each in books["deliveries"] if checkouts[json.loads(each["body"])["transaction_id"]] not in told]
    again = {shop.control(f"deliveries/{each['id']}/resend")["delivery_id"] for each in lost}
    deadline = time.monotonic() + 60
    while again - {each["id"] for each in shop.nd8_state()["deliveries"] if each["state"] == "delivered"}:
        assert time.monotonic() < deadline, "the shop does not take what ND8 has to tell"
        time.sleep(0.2)


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
