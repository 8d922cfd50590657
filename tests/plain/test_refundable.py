"""Whatever is given back in whatever order: never more than was paid, and all of it is exactly that."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oscar_nd8.exceptions import DecisionRefused
from oscar_nd8.lines import Part, itemise, shares_of
from oscar_nd8.shop.refundable import Chosen, Refundable, amount_of, everything_left, parts_for
from oscar_nd8.shop.refundable import RefundableCharge as Charge
from oscar_nd8.shop.refundable import RefundableLine as Line

AMOUNTS = st.decimals(min_value=Decimal("-5"), max_value=Decimal(300), places=4)
PARTS = st.lists(st.builds(Part, st.text("ab", max_size=3), st.integers(1, 7), AMOUNTS), min_size=1, max_size=6)


@given(PARTS, st.integers(1, 100_000))
def test_the_shares_add_up_to_what_was_charged(parts: list[Part], total: int) -> None:
    shares, unexplained = shares_of(total, parts, currency="USD")
    assert sum(shares) + unexplained == total
    assert min(*shares, unexplained) >= 0
    assert len(shares) == len(parts)


@given(PARTS, st.integers(1, 100_000))
def test_the_shares_are_what_nd8s_page_showed(parts: list[Part], total: int) -> None:
    named = [Part(f"{number}", part.quantity, part.amount) for number, part in enumerate(parts)]
    shares, unexplained = shares_of(total, named, currency="USD")
    items = itemise(total, named, currency="USD", whole_name="whole", other_name="other")
    for number, share in enumerate(shares):
        shown = [item for item in items if item.name.split()[-1] == f"{number}"]
        assert sum(item.quantity * item.unit_amount for item in shown) == share
    assert sum(item.quantity * item.unit_amount for item in items if item.name in {"whole", "other"}) == unexplained


class Book:
    """A payment without a database: what is left after each refund."""

    def __init__(self, lines: list[tuple[int, int]], charges: list[int]) -> None:
        self.lines = {str(number): [quantity, amount] for number, (quantity, amount) in enumerate(lines)}
        self.charges = {f"c{number}": amount for number, amount in enumerate(charges)}
        self.paid = sum(amount for _quantity, amount in lines) + sum(charges)
        self.taken = 0

    @property
    def left(self) -> Refundable:
        """As the screens see it."""
        return Refundable(
            payment=None,  # type: ignore[arg-type]  # nothing here looks at it
            currency="USD",
            paid=self.paid,
            fee=None,
            refunded=self.taken,
            on_its_way=0,
            remaining=self.paid - self.taken,
            may_take_everything=self.paid > self.taken,
            is_explained=False,
            lines=tuple(Line(key, key, 9, left, amount, "USD") for key, (left, amount) in self.lines.items()),
            charges=tuple(Charge(key, key, amount, "USD") for key, amount in self.charges.items()),
        )

    def give(self, chosen: Chosen, amount: int | None = None) -> int:
        """Give back what is chosen; its amount."""
        amount = amount_of(self.left, chosen) if amount is None else amount
        parts = parts_for(self.left, chosen, amount=amount)
        for key, part in parts["lines"].items():
            self.lines[key][0] -= part["quantity"]
            self.lines[key][1] -= part["amount"]
            assert self.lines[key][1] >= 0
        for key, part in parts["charges"].items():
            assert part <= self.charges[key]
            self.charges[key] = 0
        self.taken += amount
        return amount


BOOKS = st.builds(
    Book,
    st.lists(st.tuples(st.integers(1, 5), st.integers(0, 5000)), min_size=1, max_size=4),
    st.lists(st.integers(1, 900), max_size=2),
)


@given(BOOKS, st.data())
def test_any_sequence_of_parts_gives_back_exactly_what_was_paid(book: Book, data: Any) -> None:
    while rest := everything_left(book.left):
        lines = {key: data.draw(st.integers(0, left)) for key, left in rest.lines.items()}
        charges = data.draw(st.sets(st.sampled_from(sorted(rest.charges)))) if rest.charges else set()
        chosen = Chosen({key: count for key, count in lines.items() if count}, frozenset(charges))
        if not chosen:
            chosen = rest
        book.give(chosen)
        assert book.taken <= book.paid
    assert book.taken == book.paid


@given(BOOKS, st.data())
def test_own_amounts_in_between_never_lead_above_what_was_paid(book: Book, data: Any) -> None:
    while rest := everything_left(book.left):
        if book.left.remaining and data.draw(st.booleans()):
            book.taken += data.draw(st.integers(1, book.left.remaining))
        lines = {key: data.draw(st.integers(0, left)) for key, left in rest.lines.items()}
        chosen = Chosen({key: count for key, count in lines.items() if count}) or rest
        book.give(chosen, data.draw(st.none() | st.integers(0, book.left.remaining)))
        assert 0 <= book.taken <= book.paid


def test_three_for_ten_is_333_333_and_334_together() -> None:
    book = Book([(3, 1000)], [])
    assert sorted(book.give(Chosen({"0": 1})) for _number in range(3)) == [333, 333, 334]


@pytest.mark.parametrize(
    "chosen", [Chosen({"0": 4}), Chosen({"0": 0}), Chosen({"0": -1}), Chosen({}), Chosen({"7": 1})]
)
def test_what_is_not_there_cannot_be_chosen(chosen: Chosen) -> None:
    with pytest.raises(DecisionRefused):
        amount_of(Book([(3, 1000)], [500]).left, chosen)


def test_a_charge_goes_back_once() -> None:
    book = Book([(3, 1000)], [500])
    assert book.give(Chosen({}, frozenset({"c0"})), 100) == 100
    with pytest.raises(DecisionRefused, match="already"):
        amount_of(book.left, Chosen({}, frozenset({"c0"})))
