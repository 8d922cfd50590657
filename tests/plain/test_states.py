"""The table of moves, walked at random and held against its promises."""

from hypothesis import given
from hypothesis import strategies as st

from oscar_nd8.states import SESSION_MOVES, UNPAID_ENDS, SessionStatus, sources_of

S = SessionStatus
MONEY_ARRIVED = {S.PAID, S.HELD, S.PLACED, S.SOLD}


def test_every_status_has_its_row() -> None:
    assert set(SESSION_MOVES) == set(SessionStatus)


def test_every_unpaid_end_can_still_be_paid() -> None:
    assert set(sources_of(S.PAID, SESSION_MOVES)) >= UNPAID_ENDS
    assert set(sources_of(S.HELD, SESSION_MOVES)) >= UNPAID_ENDS


def test_an_order_is_reached_from_paid_alone_and_is_the_end() -> None:
    assert sources_of(S.PLACED, SESSION_MOVES) == [S.PAID]
    assert SESSION_MOVES[S.PLACED] == frozenset()


def test_a_sale_is_reached_from_paid_alone_and_is_the_end() -> None:
    assert sources_of(S.SOLD, SESSION_MOVES) == [S.PAID]
    assert SESSION_MOVES[S.SOLD] == frozenset()


@given(st.lists(st.sampled_from(SessionStatus), max_size=30))
def test_whatever_is_asked_for_money_that_arrived_is_never_forgotten(wishes: list[SessionStatus]) -> None:
    status, was_paid = S.NEW, False
    for wish in wishes:
        if status in sources_of(wish, SESSION_MOVES):
            status = wish
        was_paid = was_paid or status in MONEY_ARRIVED
        assert not was_paid or status in MONEY_ARRIVED
