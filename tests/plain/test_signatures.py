"""Who may tell us something: only holders of one of our secrets, and nobody while there is none."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from oscar_nd8.client import signatures
from oscar_nd8.exceptions import SignatureInvalid

BODY = b'{"event": "transaction.status_changed"}'


def test_the_header_is_the_hmac_of_the_raw_body() -> None:
    expected = hmac.new(b"whsec", BODY, hashlib.sha256).hexdigest()
    assert signatures.sign(BODY, "whsec") == f"sha256={expected}"
    signatures.verify(BODY, signature=f"sha256={expected}", secrets=["whsec"])


def test_while_rotating_the_old_secret_is_good_wherever_it_stands() -> None:
    signature = signatures.sign(BODY, SecretStr("old"))
    signatures.verify(BODY, signature=signature, secrets=[SecretStr("new"), "old"])
    signatures.verify(BODY, signature=signature, secrets=iter(["old", "new"]))


@given(st.binary(max_size=200), st.text(min_size=1, max_size=40))
def test_what_was_signed_verifies_and_nothing_else(body: bytes, secret: str) -> None:
    signature = signatures.sign(body, secret)
    signatures.verify(body, signature=signature, secrets=[secret])
    with pytest.raises(SignatureInvalid):
        signatures.verify(body + b" ", signature=signature, secrets=[secret])
    with pytest.raises(SignatureInvalid):
        signatures.verify(body, signature=signature, secrets=[secret + "x"])


@pytest.mark.parametrize(
    "header",
    [
        "",
        "sha256=",
        "sha256=00",
        "sha1=" + "0" * 64,
        "0" * 64,
        "sha256=" + "g" * 64,
        "sha256=" + "é" * 64,
        "é",
        "sha256=" + "0" * 65,
        "sha256=" + "0" * 64 + "\n",
        " sha256=" + "0" * 64,
        "sha256=" + "\N{ARABIC-INDIC DIGIT ZERO}" * 64,
        chr(0xD800),
    ],
)
def test_a_malformed_header_is_an_invalid_signature(header: str) -> None:
    with pytest.raises(SignatureInvalid):
        signatures.verify(BODY, signature=header, secrets=["whsec"])


@given(st.text(max_size=80))
def test_no_header_at_all_makes_anything_but_an_invalid_signature(header: str) -> None:
    with pytest.raises(SignatureInvalid):
        signatures.verify(BODY, signature=header, secrets=["whsec"])


@pytest.mark.parametrize("secrets", [[], [""], [SecretStr("")], ["", SecretStr("")]])
def test_without_a_secret_the_door_stays_shut(secrets: list[str | SecretStr]) -> None:
    forged = hmac.new(b"", BODY, hashlib.sha256).hexdigest()
    with pytest.raises(SignatureInvalid):
        signatures.verify(BODY, signature=f"sha256={forged}", secrets=secrets)


def test_an_empty_secret_signs_nothing() -> None:
    with pytest.raises(ValueError, match="empty secret"):
        signatures.sign(BODY, "")


def test_the_error_names_neither_secret_nor_signature() -> None:
    signature = signatures.sign(BODY, "other")
    with pytest.raises(SignatureInvalid) as caught:
        signatures.verify(BODY, signature=signature, secrets=["whsec_very_secret"])
    assert "whsec_very_secret" not in str(caught.value)
    assert signature[7:] not in str(caught.value)
