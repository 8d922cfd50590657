"""Items for ND8: always the total, always sellable, as close to the basket as ND8 can show."""

import unicodedata
from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oscar_nd8 import lines, money
from oscar_nd8.exceptions import AmountsDisagree
from oscar_nd8.lines import NAME_LENGTH, Item, Part, itemise

CURRENCIES = st.sampled_from(["USD", "EUR", "JPY", "KWD"])
NAMES = st.sampled_from(["Mug", "Tea", "  Blue \n mug ", "", "\x00", "x" * 300])


def part(name: str, quantity: int, amount: str) -> Part:
    return Part(name, quantity, Decimal(amount))


def items(total: int, *parts: Part, currency: str = "USD") -> list[tuple[str, int, int]]:
    made = itemise(total, parts, currency=currency, whole_name="Order 1001", other_name="Other charges")
    return [(item.name, item.quantity, item.unit_amount) for item in made]


def test_a_line_that_divides_keeps_its_name_and_quantity() -> None:
    assert items(3000, part("Mug", 3, "30.00")) == [("Mug", 3, 1000)]


def test_a_line_that_does_not_divide_becomes_two_items_one_cent_apart() -> None:
    assert items(1000, part("Mug", 3, "10.00")) == [("Mug", 2, 333), ("Mug", 1, 334)]


def test_a_line_under_a_cent_a_piece_becomes_one_item_that_says_how_many() -> None:
    assert items(50, part("Bead", 100, "0.50")) == [("100 \N{MULTIPLICATION SIGN} Bead", 1, 50)]


def test_free_lines_are_left_out() -> None:
    assert items(499, part("Gift", 2, "0.00"), part("Shipping", 1, "4.99")) == [("Shipping", 1, 499)]


def test_seven_pens_with_a_fifth_of_tax_are_charged_as_oscar_rounds_them() -> None:
    parts = [part("Pen", 7, "8.3160"), part("Shipping", 1, "5.9900")]
    assert items(1431, *parts) == [("Pen", 1, 118), ("Pen", 6, 119), ("Shipping", 1, 599)]


def test_rounding_moves_only_the_parts_that_have_a_fraction() -> None:
    parts = [part("Whole", 10, "10.00"), part("Third", 1, "3.335"), part("Other", 1, "1.005")]
    assert items(1434, *parts) == [("Whole", 10, 100), ("Third", 1, 334), ("Other", 1, 100)]


def test_a_rebate_is_spread_in_proportion() -> None:
    parts = [part("Mug", 1, "20.00"), part("Tea", 1, "10.00"), part("Rebate", 1, "-3.00")]
    assert items(2700, *parts) == [("Mug", 1, 1800), ("Tea", 1, 900)]


def test_a_gift_card_that_is_no_part_is_spread_and_leaves_each_part_a_cent() -> None:
    parts = [part("Mug", 1, "100.00"), part("Sticker", 1, "0.01")]
    assert items(50, *parts) == [("Mug", 1, 49), ("Sticker", 1, 1)]


def test_parts_fall_away_when_there_are_fewer_cents_than_parts() -> None:
    assert items(1, part("Mug", 1, "5.00"), part("Tea", 1, "4.00")) == [("Mug", 1, 1)]


def test_a_difference_beyond_rounding_is_named_and_never_called_rounding() -> None:
    parts = [part("Mug", 2, "20.00"), part("Shipping", 1, "5.00")]
    assert items(7500, *parts) == [("Mug", 2, 1000), ("Shipping", 1, 500), ("Other charges", 1, 5000)]


def test_a_difference_of_one_cent_a_part_is_still_rounding() -> None:
    parts = [part("Mug", 1, "20.00"), part("Tea", 1, "5.00")]
    assert items(2502, *parts) == [("Mug", 1, 2001), ("Tea", 1, 501)]
    assert items(2503, *parts)[-1] == ("Other charges", 1, 3)


def test_a_surcharge_beside_a_rebate_is_measured_after_the_rebate() -> None:
    parts = [part("Mug", 1, "20.00"), part("Rebate", 1, "-5.00")]
    assert items(2000, *parts) == [("Mug", 1, 1500), ("Other charges", 1, 500)]


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [part("Free", 1, "0")],
        [part("Rebate", 1, "-5.00")],
        [part("Dust", 1, "0.001")],
        [part("Mug", 0, "5.00")],
        [part("Mug", 1, "5.00"), part("Rebate", 1, "-50.00")],
    ],
)
def test_what_cannot_be_itemised_is_one_item_that_says_what_it_is(parts: Sequence[Part]) -> None:
    assert items(1299, *parts) == [("Order 1001", 1, 1299)]


def test_nothing_to_pay_has_no_items() -> None:
    assert items(0, part("Mug", 1, "5.00")) == []


def test_a_negative_total_is_refused() -> None:
    with pytest.raises(AmountsDisagree):
        items(-1, part("Mug", 1, "5.00"))


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "-Infinity"])
def test_an_amount_that_is_no_number_is_refused(amount: str) -> None:
    with pytest.raises(AmountsDisagree):
        items(100, part("Mug", 1, amount))


@pytest.mark.parametrize(
    ("currency", "total", "amount", "expected"),
    [
        ("JPY", 1000, "1000", [("Mug", 2, 333), ("Mug", 1, 334)]),
        ("KWD", 1000, "1.000", [("Mug", 2, 333), ("Mug", 1, 334)]),
        ("KWD", 3003, "3.003", [("Mug", 3, 1001)]),
    ],
)
def test_other_currencies_count_in_their_own_coins(
    currency: str, total: int, amount: str, expected: list[tuple[str, int, int]]
) -> None:
    assert items(total, part("Mug", 3, amount), currency=currency) == expected


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("  Blue\t\n mug\x00 \x07 ", "Blue mug"),
        ("\x00\x1b \u202e", "Order 1001"),
        ("", "Order 1001"),
        ("mug \udc80", "mug"),
        ("pay \u202e00.1", "pay 00.1"),
        ("y" * 500, "y" * NAME_LENGTH),
        ("family 👨\u200d👩\u200d👧", "family 👨\u200d👩\u200d👧"),
    ],
)
def test_a_name_is_made_fit_for_a_page(name: str, shown: str) -> None:
    assert items(100, part(name, 1, "1.00")) == [(shown, 1, 100)]


def test_even_a_blank_name_for_the_whole_gives_an_item_a_name() -> None:
    assert itemise(100, [], currency="USD", whole_name=" ", other_name="") == (Item("Order", 1, 100),)


@pytest.mark.parametrize("wrong", [Item("Mug", 2, 49), Item("Mug", 1, 101), Item("Mug", -1, -100), Item("Mug", 0, 100)])
def test_items_that_do_not_add_up_are_never_handed_out(wrong: Item) -> None:
    with pytest.raises(AmountsDisagree):
        lines._checked((wrong,), 100)


@st.composite
def baskets(draw: st.DrawFn, *, lowest: int = -(10**9), biggest: int = 10**12) -> tuple[int, list[Part], str]:
    amounts = st.decimals(min_value=lowest, max_value=biggest, places=draw(st.integers(0, 6)))
    small = st.decimals(min_value=0, max_value=5, places=4)
    parts = draw(
        st.lists(st.builds(Part, NAMES, st.integers(1, 10_000), st.one_of(small, amounts)), min_size=1, max_size=12)
    )
    currency = draw(CURRENCIES)
    sum_of_parts = money.round_to_minor(sum((part.amount for part in parts), Decimal()), currency)
    totals = st.one_of(st.just(sum_of_parts), st.integers(sum_of_parts - 20, sum_of_parts + 20), st.integers(0, 10**15))
    return max(0, draw(totals)), parts, currency


def made(basket: tuple[int, list[Part], str]) -> tuple[Item, ...]:
    total, parts, currency = basket
    return itemise(total, parts, currency=currency, whole_name="Order 1001", other_name="Other charges")


@given(baskets())
def test_items_always_add_up_and_are_always_sellable(basket: tuple[int, list[Part], str]) -> None:
    total, parts, _ = basket
    result = made(basket)
    assert sum(item.quantity * item.unit_amount for item in result) == total
    assert all(item.quantity >= 1 and item.unit_amount >= 1 for item in result)
    assert len(result) <= 2 * len(parts) + 1
    for item in result:
        assert 1 <= len(item.name) <= NAME_LENGTH
        assert item.name == " ".join(item.name.split())
        assert not any(unicodedata.category(character) == "Cc" for character in item.name)


@given(baskets())
def test_itemising_the_items_again_changes_nothing(basket: tuple[int, list[Part], str]) -> None:
    total, _, currency = basket
    once = made(basket)
    again = [
        Part(item.name, item.quantity, money.to_major(item.quantity * item.unit_amount, currency)) for item in once
    ]
    assert made((total, again, currency)) == once


CENTS = st.lists(st.tuples(st.integers(1, 10_000), st.integers(0, 10**12)), min_size=1, max_size=15)


@given(CENTS, CURRENCIES)
def test_whole_cents_that_add_up_keep_every_line_and_its_quantity(wanted: list[tuple[int, int]], currency: str) -> None:
    parts = [Part(f"n{i}", quantity, money.to_major(cents, currency)) for i, (quantity, cents) in enumerate(wanted)]
    result = made((sum(cents for _, cents in wanted), parts, currency))
    for line, (quantity, cents) in zip(parts, wanted, strict=True):
        own = [item for item in result if item.name.removeprefix(f"{quantity} \N{MULTIPLICATION SIGN} ") == line.name]
        assert sum(item.quantity * item.unit_amount for item in own) == cents
        if cents >= quantity:
            assert sum(item.quantity for item in own) == quantity
            assert len(own) == (1 if cents % quantity == 0 else 2)
            assert max(item.unit_amount for item in own) - min(item.unit_amount for item in own) <= 1


@given(st.lists(st.decimals(min_value="0.01", max_value=1000, places=4), min_size=2, max_size=20), st.data())
def test_a_reduction_leaves_every_part_visible_where_there_are_cents_enough(
    amounts: list[Decimal], data: st.DataObject
) -> None:
    parts = [Part(f"n{i}", 1, amount) for i, amount in enumerate(amounts)]
    explained = money.round_to_minor(sum(amounts, Decimal()), "USD")
    total = data.draw(st.integers(len(parts), max(len(parts), explained)))
    assert [item.name for item in made((total, parts, "USD")) if item.name != "Other charges"] == [
        line.name for line in parts
    ]


@given(st.lists(st.tuples(st.integers(1, 9), st.decimals(0, 500, places=5)), min_size=1, max_size=20))
def test_rounding_moves_no_part_by_a_whole_cent(wanted: list[tuple[int, Decimal]]) -> None:
    parts = [Part(f"n{i}", 1, amount * quantity) for i, (quantity, amount) in enumerate(wanted)]
    total = money.round_to_minor(sum((line.amount for line in parts), Decimal()), "USD")
    shown = {item.name: item.unit_amount for item in made((total, parts, "USD"))}
    if total:
        assert all(abs(shown.get(line.name, 0) - money.exact_minor(line.amount, "USD")) < 1 for line in parts)
