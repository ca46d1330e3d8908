"""Money is an integer of minor units and a currency. The number of decimals depends on who counts: ISO 4217 or a provider.

Stored amounts are in ISO 4217 minor units. A provider's own units appear only between its adapter and its wire.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from types import MappingProxyType

from gatepass.domain.errors import Refused

# ISO 4217, active codes of money that can be charged. Three lists by decimals.
_NO_DECIMALS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_THREE_DECIMALS = "BHD IQD JOD KWD LYD OMR TND"
_TWO_DECIMALS = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP CVE
CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW
KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK
PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS
UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG
"""
DECIMALS: Mapping[str, int] = MappingProxyType(
    {
        code: decimals
        for decimals, codes in ((0, _NO_DECIMALS), (2, _TWO_DECIMALS), (3, _THREE_DECIMALS))
        for code in codes.split()
    }
)


@dataclass(frozen=True, slots=True)
class Units:
    """How one provider counts a currency: decimals of its unit, and the step every amount must be a multiple of."""

    decimals: int
    step: int = 1


@dataclass(frozen=True, slots=True)
class Money:
    """`minor` ISO 4217 minor units of `currency` (upper case): Money(12000, "EUR") is 120.00 euro, Money(120, "JPY") 120 yen."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        decimals_of(self.currency)

    @property
    def amount(self) -> Decimal:
        """The amount as people write it, with the currency's own decimals."""
        return Decimal(self.minor).scaleb(-decimals_of(self.currency))

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"

    @classmethod
    def parse(cls, text: str | int | Decimal, currency: str) -> "Money":
        """Read 120.50 or what people type (amount_of); raises Refused when it is none, or the currency has no such coin."""
        try:
            number = amount_of(text, decimals_of(currency)) if isinstance(text, str) else Decimal(text)
            minor = number.scaleb(decimals_of(currency))
        except (ValueError, InvalidOperation):
            raise Refused(
                "PriceInvalid", f"'{text}' is not an amount of {currency}. Write it like 120.50 or 1500."
            ) from None
        if not minor.is_finite() or minor != minor.to_integral_value():
            raise Refused("PriceInvalid", f"{text} has more decimals than {currency} allows ({decimals_of(currency)}).")
        return cls(int(minor), currency)

    def in_units(self, units: Units) -> int:
        """The integer that a provider is sent. Raises Refused when it cannot express the amount; nothing is ever rounded."""
        value = Decimal(self.minor).scaleb(units.decimals - decimals_of(self.currency))
        if value != value.to_integral_value() or int(value) % units.step:
            raise Refused("AmountNotPayable", f"The payment provider cannot charge {self}. Use a rounder price.")
        return int(value)

    @classmethod
    def from_units(cls, value: int, currency: str, units: Units) -> "Money":
        """What a provider reported, in our units. Raises Refused when it is no whole number of ours."""
        minor = Decimal(value).scaleb(decimals_of(currency) - units.decimals)
        if minor != minor.to_integral_value():
            raise Refused("AmountNotPayable", f"{value} units of {currency} is no whole number of our minor units.")
        return cls(int(minor), currency)


_GROUPED = re.compile("(?<=[0-9])[ \u00a0\u202f](?=[0-9]{3}(?![0-9]))")
_AMOUNT, _EITHER = re.compile("-?[0-9]+([.,][0-9]+)*"), re.compile("-?[0-9]{1,3},[0-9]{3}")


def amount_of(text: str, decimals: int) -> Decimal:
    """1200.50, 1200,50 or 1,200.50: what comes last parts the cents.

    Raises ValueError, also for what could mean two amounts: 1,500, and 1.500 where a currency has two decimals.
    """
    plain = _GROUPED.sub("", text)
    if not _AMOUNT.fullmatch(plain) or _EITHER.fullmatch(plain):
        raise ValueError(text)
    if "," in plain and "." in plain:
        plain = plain.replace("," if plain.rfind(",") < plain.rfind(".") else ".", "")
    whole, _, cents = plain.replace(",", ".").partition(".")
    if len(cents) > decimals:
        raise ValueError(text)
    return Decimal(f"{whole}.{cents or 0}")


def decimals_of(currency: str) -> int:
    """ISO 4217 decimals; raises Refused for a code that is not in the list."""
    try:
        return DECIMALS[currency]
    except KeyError:
        raise Refused("CurrencyUnknown", f"'{currency}' is not an ISO 4217 currency code such as EUR.") from None
