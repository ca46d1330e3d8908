"""Exact money in every currency: nothing is ever rounded, a float is nowhere."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepass.domain.errors import Refused
from gatepass.domain.money import DECIMALS, Money, Units, decimals_of

currencies = st.sampled_from(sorted(DECIMALS))
minors = st.integers(min_value=0, max_value=10**12)


@given(minors, currencies)
def test_an_amount_written_down_is_read_the_same(minor: int, currency: str) -> None:
    money = Money(minor, currency)

    assert Money.parse(money.amount, currency) == money
    assert Money.parse(str(money.amount), currency) == money
    assert str(money).endswith(f" {currency}")


@given(minors, currencies, st.integers(0, 4), st.sampled_from([1, 10, 100]))
def test_units_of_a_provider_lead_back_or_are_refused(minor: int, currency: str, decimals: int, step: int) -> None:
    money, units = Money(minor, currency), Units(decimals, step)
    exact = Decimal(minor).scaleb(decimals - decimals_of(currency))
    if exact != exact.to_integral_value() or int(exact) % step:
        with pytest.raises(Refused, match="cannot charge"):
            money.in_units(units)
    else:
        assert money.in_units(units) == exact
        assert Money.from_units(int(exact), currency, units) == money


@pytest.mark.parametrize(
    ("minor", "currency", "written"),
    [
        (12050, "EUR", "120.50 EUR"),
        (120, "JPY", "120 JPY"),
        (1234, "KWD", "1.234 KWD"),
        (0, "USD", "0.00 USD"),
        (5, "EUR", "0.05 EUR"),
    ],
)
def test_money_is_written_with_the_decimals_of_its_currency(minor: int, currency: str, written: str) -> None:
    assert str(Money(minor, currency)) == written


@pytest.mark.parametrize("text", ["", "free", "1.505", "NaN", "Infinity", "-Infinity", "sNaN", "1 2", "0x10", "€5"])
def test_what_is_no_amount_of_euro_is_refused(text: str) -> None:
    with pytest.raises(Refused) as refusal:
        Money.parse(text, "EUR")

    assert refusal.value.code == "PriceInvalid"


@pytest.mark.parametrize("currency", ["", "eur", "EURO", "XXX", "BTC", "US$"])
def test_a_currency_that_is_none_is_refused_and_never_taken_for_dollars(currency: str) -> None:
    with pytest.raises(Refused) as refusal:
        Money(1, currency)

    assert refusal.value.code == "CurrencyUnknown"


def test_no_currency_is_listed_twice() -> None:
    from gatepass.domain import money

    listed = (money._NO_DECIMALS + " " + money._TWO_DECIMALS + " " + money._THREE_DECIMALS).split()
    assert len(listed) == len(set(listed)) == len(DECIMALS)
    assert all(len(code) == 3 and code.isupper() for code in listed)
