"""How Stripe counts money, by docs.stripe.com/currencies: zero, two and three decimals, and its special cases."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepass.domain.errors import Refused
from gatepass.domain.money import DECIMALS, Money
from gatepass.providers.stripe import units_of

ZERO_DECIMAL = ["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"]
THREE_DECIMAL = ["BHD", "JOD", "KWD", "OMR", "TND"]
WHOLE_IN_TWO_DECIMALS = ["ISK", "UGX"]


@pytest.mark.parametrize("currency", ZERO_DECIMAL)
def test_zero_decimal_currencies_are_sent_as_they_are(currency: str) -> None:
    assert Money.parse("500", currency).in_units(units_of(currency)) == 500


@pytest.mark.parametrize("currency", THREE_DECIMAL)
def test_three_decimal_currencies_end_in_a_nought(currency: str) -> None:
    assert Money.parse("5.120", currency).in_units(units_of(currency)) == 5120
    with pytest.raises(Refused):
        Money.parse("5.124", currency).in_units(units_of(currency))


@pytest.mark.parametrize("currency", WHOLE_IN_TWO_DECIMALS)
def test_krona_and_shilling_are_sent_with_two_noughts(currency: str) -> None:
    assert Money.parse("5", currency).in_units(units_of(currency)) == 500
    assert Money.from_units(500, currency, units_of(currency)) == Money(5, currency)
    with pytest.raises(Refused):
        Money.from_units(550, currency, units_of(currency))


def test_an_ariary_has_no_parts_at_stripe() -> None:
    assert Money.parse("5.00", "MGA").in_units(units_of("MGA")) == 5
    with pytest.raises(Refused):
        Money.parse("5.20", "MGA").in_units(units_of("MGA"))


@pytest.mark.parametrize("currency", ["EUR", "USD", "GBP", "HUF", "TWD", "CHF"])
def test_the_others_are_sent_in_hundredths(currency: str) -> None:
    assert Money.parse("120.50", currency).in_units(units_of(currency)) == 12050


@given(st.sampled_from(sorted(DECIMALS)), st.integers(0, 10**9))
def test_what_stripe_reports_of_what_we_sent_is_what_was_due(currency: str, minor: int) -> None:
    money = Money(minor, currency)
    try:
        sent = money.in_units(units_of(currency))
    except Refused:
        return
    assert Money.from_units(sent, currency, units_of(currency)) == money
