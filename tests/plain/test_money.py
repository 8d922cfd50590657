"""Minor units: exact in, exact out, and a split that loses nothing."""

import json
from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oscar_nd8 import money
from oscar_nd8.exceptions import AmountsDisagree

CURRENCIES = st.sampled_from(["USD", "EUR", "JPY", "KWD", "usd"])
HUGE = st.integers(min_value=-(10**60), max_value=10**60)


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("10.50", "USD", 1050),
        ("10.5", "USD", 1050),
        ("10.500000", "USD", 1050),
        ("-1.50", "EUR", -150),
        ("1000", "JPY", 1000),
        ("1.001", "KWD", 1001),
        ("1E+2", "USD", 10000),
        ("0", "USD", 0),
    ],
)
def test_an_amount_becomes_minor_units_exactly(amount: str, currency: str, minor: int) -> None:
    assert money.to_minor(Decimal(amount), currency) == minor


@pytest.mark.parametrize(
    ("amount", "currency"),
    [("0.001", "USD"), ("0.5", "JPY"), ("1.0001", "KWD"), ("NaN", "USD"), ("Infinity", "USD")],
)
def test_an_amount_that_the_currency_cannot_pay_is_refused(amount: str, currency: str) -> None:
    with pytest.raises(AmountsDisagree):
        money.to_minor(Decimal(amount), currency)


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("64.89275", "USD", 6489),
        ("0.005", "USD", 1),
        ("0.00499999", "USD", 0),
        ("-0.005", "USD", -1),
        ("0.5", "JPY", 1),
        ("1.0005", "KWD", 1001),
    ],
)
def test_rounding_is_half_up_and_happens_only_by_name(amount: str, currency: str, minor: int) -> None:
    assert money.round_to_minor(Decimal(amount), currency) == minor


@pytest.mark.parametrize(
    ("minor", "currency", "written"),
    [
        (1000, "USD", "10.00"),
        (1, "EUR", "0.01"),
        (1000, "JPY", "1000"),
        (1000, "KWD", "1.000"),
        (-5, "USD", "-0.05"),
    ],
)
def test_major_units_carry_all_decimals_of_their_currency(minor: int, currency: str, written: str) -> None:
    assert str(money.to_major(minor, currency)) == written


@given(HUGE, CURRENCIES)
def test_there_and_back_is_the_same_even_under_a_short_decimal_context(minor: int, currency: str) -> None:
    with localcontext() as context:
        context.prec = 3
        amount = money.to_major(minor, currency)
        assert money.to_minor(amount, currency) == minor
        assert money.round_to_minor(amount, currency) == minor


@given(
    st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**20), max_value=10**20),
    CURRENCIES,
)
def test_rounding_moves_by_half_a_unit_at_most(amount: Decimal, currency: str) -> None:
    moved = abs(money.round_to_minor(amount, currency) - money.exact_minor(amount, currency))
    assert moved <= Fraction(1, 2)


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("99.00", "USD", 9900),
        ("99", "USD", 9900),
        ("0.5", "EUR", 50),
        ("0.00", "USD", 0),
        ("1.234", "KWD", 1234),
    ],
)
def test_what_nd8_writes_is_read_exactly(text: str, currency: str, minor: int) -> None:
    assert money.parse_minor(text, currency) == minor


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "NaN",
        "Infinity",
        "1e3",
        "1E3",
        "-1.00",
        "+1.00",
        "1,00",
        "1_000",
        "1.",
        ".5",
        "0x10",
        " 1.00",
    ],
)
def test_what_is_no_plain_amount_is_refused(text: str) -> None:
    with pytest.raises(AmountsDisagree):
        money.parse_minor(text, "USD")


@pytest.mark.parametrize("text", ["1.00\n", "9" * 400, "\u0661\u0662", "99.001", "free"])
def test_what_only_resembles_an_amount_is_refused(text: str) -> None:
    with pytest.raises(AmountsDisagree):
        money.parse_minor(text, "USD")


@given(st.integers(min_value=0, max_value=10**14), CURRENCIES)
def test_a_written_amount_is_read_back(minor: int, currency: str) -> None:
    assert money.parse_minor(str(money.to_major(minor, currency)), currency) == minor


def test_a_split_of_ten_in_three_gives_the_odd_cent_to_the_first() -> None:
    assert money.split(1000, [1, 1, 1]) == [334, 333, 333]
    assert money.split(5, [0, 3, 1]) == [0, 4, 1]
    assert money.split(0, [7, 7]) == [0, 0]


WEIGHTS = st.lists(st.integers(min_value=0, max_value=10**40), min_size=1, max_size=40).filter(any)


@given(st.integers(min_value=0, max_value=10**30), WEIGHTS)
def test_a_split_loses_nothing_and_stays_within_a_unit_of_its_proportion(total: int, weights: list[int]) -> None:
    shares = money.split(total, weights)
    assert sum(shares) == total
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share - Fraction(total * weight, sum(weights))) < 1
        assert weight or not share


@pytest.mark.parametrize(("total", "weights"), [(1, []), (1, [0, 0]), (1, [2, -1]), (1, [-1, -1]), (-1, [1])])
def test_a_split_over_nothing_is_refused(total: int, weights: list[int]) -> None:
    with pytest.raises(AmountsDisagree):
        money.split(total, weights)


@given(st.integers(min_value=-(10**15) + 1, max_value=10**15 - 1), CURRENCIES)
def test_the_json_number_has_exactly_the_digits_of_the_amount(minor: int, currency: str) -> None:
    written = json.dumps(money.to_json_number(minor, currency))
    assert money.to_minor(Decimal(written), currency) == minor
    assert "e" not in written


def test_a_whole_amount_is_written_without_a_point() -> None:
    assert json.dumps([money.to_json_number(1000, "USD"), money.to_json_number(1050, "USD")]) == "[10, 10.5]"


@pytest.mark.parametrize("minor", [10**15, -(10**15)])
def test_an_amount_beyond_exact_json_numbers_is_refused(minor: int) -> None:
    with pytest.raises(AmountsDisagree):
        money.to_json_number(minor, "USD")
