"""What people type for an amount is what is charged, or it is refused."""

from decimal import Decimal

import pytest

from gatepass.domain.money import amount_of


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("120.50", "120.50"),
        ("120,50", "120.50"),
        ("1,200.50", "1200.50"),
        ("1.200,50", "1200.50"),
        ("1 200", "1200"),
        ("1500", "1500"),
    ],
)
def test_amounts_are_read(text: str, meant: str) -> None:
    assert amount_of(text, 2) == Decimal(meant)


@pytest.mark.parametrize(
    "text", ["1,500", "1.500", "120.505", "12,345", "1e3", "1_000", "٣", "NaN", "", ".", "1,", "--1"]
)
def test_what_could_mean_two_amounts_or_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        amount_of(text, 2)
