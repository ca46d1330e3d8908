"""What amounts Stripe takes, and how people read them. Integers in Stripe's own units, which are not always ISO 4217's.

Source: docs.stripe.com/currencies (list of 2026-07).
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType

from gatepass.sandbox.errors import StripeError, invalid

MAX_AMOUNT = 999_999_999_999
_SEVERAL = """
aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd bwp byn bzd cad cdf chf cny cop crc cve czk
dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl hrk htg huf idr ils inr isk jmd kes kgs khr kyd kzt lak
lbp lkr lrd lsl mad mdl mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd pab pen pgk php pkr pln qar ron
rsd rub sar sbd scr sek sgd shp sle sos srd std szl thb tjs top try ttd twd tzs uah ugx usd uyu uzs wst xcd xcg yer zar
zmw
"""
_NONE = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf"
_NO_DECIMALS = frozenset(_NONE.split())
_TWO_DECIMALS = frozenset(_SEVERAL.split())
_THREE_DECIMALS = frozenset(("bhd", "jod", "kwd", "omr", "tnd"))
# Two decimals on the wire although people use none.
_HUNDREDS = frozenset(("isk", "ugx"))
CURRENCIES = _NO_DECIMALS | _TWO_DECIMALS | _THREE_DECIMALS
_HALF = ("usd", "aud", "brl", "cad", "chf", "eur", "inr", "nzd", "sgd", "jpy", "krw")
_OTHERS = {"aed": 200, "czk": 1500, "dkk": 250, "gbp": 30, "hkd": 400, "huf": 17500, "mxn": 1000, "myr": 200} | {
    "nok": 300,
    "pln": 200,
    "ron": 200,
    "sek": 300,
    "thb": 1000,
}
MINIMUMS: Mapping[str, int] = MappingProxyType(dict.fromkeys(_HALF, 50) | _OTHERS)
_SIGNS: Mapping[str, str] = MappingProxyType(
    {"eur": "€", "usd": "$", "gbp": "£", "jpy": "¥", "krw": "₩", "inr": "₹", "ils": "₪", "vnd": "₫", "brl": "R$"}
)


def decimals(currency: str) -> int:
    if currency in _NO_DECIMALS:
        return 0
    return 3 if currency in _THREE_DECIMALS else 2


def known_currency(value: str, param: str = "currency") -> str:
    """The lower-case code; raises when Stripe has no such currency."""
    code = value.lower()
    if code not in CURRENCIES:
        listed = ", ".join(sorted(CURRENCIES))
        raise invalid(f"Invalid currency: {code}. Stripe currently supports these currencies: {listed}", param)
    return code


def check_step(amount: int, currency: str, param: str) -> None:
    """Three-decimal amounts end in 0; krona and shilling have no cents although they are sent with two digits."""
    step = 10 if currency in _THREE_DECIMALS else 100 if currency in _HUNDREDS else 1
    if amount % step:
        raise invalid(f"Invalid amount: {currency} amounts must be a multiple of {step}.", param)


def check_chargeable(amount: int, currency: str, param: str) -> None:
    """A total that a card can be charged."""
    check_step(amount, currency, param)
    least = MINIMUMS.get(currency, 1)
    if amount < least:
        message = f"The amount must be greater than or equal to the minimum charge amount, {display(least, currency)}."
        raise StripeError(400, message, code="amount_too_small", param=param)
    if amount > MAX_AMOUNT:
        message = f"The amount must be no more than {display(MAX_AMOUNT, currency)}."
        raise StripeError(400, message, code="amount_too_large", param=param)


def typed(text: str, currency: str) -> int:
    """Smallest units of an amount as people write it: typed("12.5", "eur") is 1250. Raises `invalid` for anything else."""
    if not re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,3})?", text):
        raise invalid(f"Invalid amount: {text[:20]}", "amount")
    units = Decimal(text).scaleb(decimals(currency))
    if units != int(units):
        raise invalid(f"Invalid amount: {currency} has {decimals(currency)} decimals.", "amount")
    return int(units)


def display(amount: int, currency: str) -> str:
    """display(1200, "eur") is "€12.00", display(36000, "jpy") "¥36,000", display(1000, "chf") "CHF 10.00"."""
    places = decimals(currency)
    value = Decimal(amount).scaleb(-places)
    text = f"{value:,.{0 if currency in _HUNDREDS else places}f}"
    sign = _SIGNS.get(currency)
    return f"{sign}{text}" if sign else f"{currency.upper()} {text}"
