"""The client beside bare httpx: one kept connection, a POST of 2 KB, an answer read."""

import statistics
from collections.abc import Iterator

import httpx

from oscar_nd8.client import AdHocItem, CheckoutRequest, ND8Client
from tests.bench.figures import Figure, Profile, at_most, in_turns, milliseconds, quotient
from tests.bench.shop import provider

NAME = "client"


def run(profile: Profile) -> Iterator[Figure]:
    """Ours validates the answer, the floor only parses it."""
    calls = profile.pick(300, 2000)
    request = CheckoutRequest(
        billing_country="DE",
        billing_first_name="Ada",
        billing_last_name="Byron",
        billing_email="ada@example.com",
        currency="EUR",
        products=tuple(AdHocItem(name=f"Product {number:>40}", quantity=1, unit_price=10.0) for number in range(20)),
    )
    body = request.model_dump_json(by_alias=True, exclude_none=True).encode()
    assert 1500 < len(body) < 2500, len(body)
    with provider() as nd8:
        base = f"{nd8.url}/api/"
        with httpx.Client(trust_env=False) as bare, ND8Client(base_url=base, api_key="k") as client:

            def floor() -> float:
                def post() -> object:
                    headers = {"Content-Type": "application/json", "Authorization": "Api-Key k"}
                    return bare.post(f"{base}checkout/create/", content=body, headers=headers).json()

                return milliseconds(lambda: [post() for _ in range(calls)]) / calls

            def ours() -> float:
                return milliseconds(lambda: [client.create_checkout(request) for _ in range(calls)]) / calls

            floor(), ours()
            floors, times = in_turns(floor, ours, rounds=profile.pick(5, 9))
    bare_time, time = statistics.median(floors), statistics.median(times)
    detail = f"{time * 1000:.0f} µs beside {bare_time * 1000:.0f} µs"
    yield at_most(1.15, "one createPayment", quotient(times, floors), detail=detail)
