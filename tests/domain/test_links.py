"""Links that we give away: for one purpose, with an end; and addresses that a buyer may be sent to."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepass.domain.errors import NotFound, Refused
from gatepass.services.links import Links, allowed, origin_allowed

ORIGINS = ["https://www.contoso.example", "http://localhost:*", "https://shop.contoso.example:8443", "http://[::1]:*"]
LINKS = Links("https://pass.example", ["older-key-" * 4, "newest-key-" * 4])
SOON = timedelta(hours=1)


def test_a_token_says_what_it_is_about() -> None:
    about = uuid4()

    assert LINKS.read("order", LINKS.token("order", about, datetime.now(UTC) + SOON)) == about


def test_a_token_counts_for_its_purpose_only() -> None:
    token = LINKS.token("order", uuid4(), datetime.now(UTC) + SOON)

    for purpose in ("return", "pay", "Order", ""):
        with pytest.raises(NotFound):
            LINKS.read(purpose, token)


def test_a_token_ends() -> None:
    with pytest.raises(NotFound) as refusal:
        LINKS.read("order", LINKS.token("order", uuid4(), datetime.now(UTC) - timedelta(seconds=1)))

    assert refusal.value.code == "LinkOver"


@given(st.data())
def test_a_token_that_was_changed_anywhere_is_refused(data: st.DataObject) -> None:
    token = LINKS.token("order", UUID(int=7), datetime(2100, 1, 1, tzinfo=UTC))
    at = data.draw(st.integers(0, len(token) - 2), "the last character may carry unused bits")
    other = data.draw(st.sampled_from("0aZ-_.~ é").filter(lambda char: char != token[at]))

    with pytest.raises(NotFound):
        LINKS.read("order", token[:at] + other + token[at + 1 :])


@pytest.mark.parametrize(
    "token", ["", ".", "..", "a.b.c", "é", "\0", "x" * 10_000, "0" * 32 + ".99999999999.", "\ud800"]
)
def test_nonsense_is_no_token(token: str) -> None:
    with pytest.raises(NotFound):
        LINKS.read("order", token.encode("utf-8", "replace").decode())


def test_keys_can_be_rolled() -> None:
    before = Links("https://pass.example", ["older-key-" * 4])
    stranger = Links("https://pass.example", ["stranger-" * 4])
    about, ends = uuid4(), datetime.now(UTC) + SOON

    assert LINKS.read("order", before.token("order", about, ends)) == about
    with pytest.raises(NotFound):
        before.read("order", LINKS.token("order", about, ends))
    with pytest.raises(NotFound):
        LINKS.read("order", stranger.token("order", about, ends))


def test_a_pay_signature_belongs_to_its_purchase() -> None:
    purchase = uuid4()
    LINKS.check_pay_signature(purchase, LINKS.pay_signature(purchase))

    for wrong in (LINKS.pay_signature(uuid4()), LINKS.token("pay", purchase, datetime.now(UTC) + SOON), "x", "é", "\0"):
        with pytest.raises(Refused):
            LINKS.check_pay_signature(purchase, wrong)


def test_the_same_order_has_the_same_link() -> None:
    """A provider call can be repeated only with the same addresses in it."""
    purchase, made = uuid4(), datetime.now(UTC)

    assert LINKS.order(purchase, made) == LINKS.order(purchase, made)
    assert LINKS.back_from_payment(purchase, made) == LINKS.back_from_payment(purchase, made)
    assert LINKS.order(purchase, made).rpartition("/")[2] != LINKS.back_from_payment(purchase, made).rpartition("/")[2]


@pytest.mark.parametrize(
    ("page", "kept"),
    [
        ("https://pay.example/PayWithStripe", {}),
        ("https://pay.example/PayWithStripe?", {}),
        ("https://pay.example/PayWithStripe?a=1&b=", {"a": ["1"], "b": [""]}),
        ("https://pay.example/PayWithStripe?a=1&", {"a": ["1"]}),
        ("https://pay.example/PayWithStripe?q=%26%3D+x", {"q": ["&= x"]}),
        ("https://pay.example:8443/x?a=1&a=2", {"a": ["1", "2"]}),
    ],
)
def test_the_payment_page_keeps_its_own_query(page: str, kept: dict[str, list[str]]) -> None:
    purchase, back = uuid4(), "https://www.contoso.example/thanks?a=1&b=ä#top"

    url = LINKS.pay(page, purchase, back)

    assert url.startswith(page.partition("?")[0] + "?")
    asked = parse_qs(urlsplit(url).query, keep_blank_values=True)
    assert asked.pop("purchaseId") == [str(purchase)]
    assert asked.pop("returnUrl") == [back]
    assert asked.pop("signature") == [LINKS.pay_signature(purchase)]
    assert asked == kept


@pytest.mark.parametrize(
    "url",
    [
        "https://www.contoso.example",
        "https://www.contoso.example/",
        "https://www.contoso.example:443/thanks?a=1#b",
        "HTTPS://WWW.CONTOSO.EXAMPLE/thanks",
        "http://localhost:3000/x",
        "http://localhost/x",
        "https://shop.contoso.example:8443/x",
        "http://[::1]:8000/x",
        "https://www.contoso.example/ä",
    ],
)
def test_an_address_on_a_listed_origin_is_allowed(url: str) -> None:
    assert allowed(url, ORIGINS)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/thanks",
        "thanks",
        "//www.contoso.example/",
        "///www.contoso.example/",
        "http://www.contoso.example/",
        "https://contoso.example/",
        "https://evil.example/",
        "https://www.contoso.example.evil.example/",
        "https://evil.example/www.contoso.example",
        "https://evil.example?https://www.contoso.example",
        "https://evil.example#https://www.contoso.example",
        "https://www.contoso.example@evil.example/",
        "https://evil.example@www.contoso.example/",
        "https://user:password@www.contoso.example/",
        "https://www.contoso.example:8443/",
        "https://shop.contoso.example/",
        "https://www.contoso.example\\@evil.example/",
        "https:\\\\www.contoso.example\\",
        "https:www.contoso.example",
        "https:/www.contoso.example",
        "https:///www.contoso.example",
        "\thttps://www.contoso.example/",
        " https://www.contoso.example/",
        "https://www.contoso.example/\r\nSet-Cookie: a=b",
        "https://www.contoso.example/\0",
        "https://www.contoso.example\x7f/",
        "https://www.conto\tso.example/",
        "https://www.contoso.example./",
        "https://www.contoso。example/",
        "https://ｗww.contoso.example/",
        "https://www.contoso.example%2eevil.example/",
        "https://www.contoso.example%00.evil.example/",
        "https://www.cont\u00adoso.example/",
        "https://[::1/",
        "http://[::2]:80/",
        "http://localhost.evil.example:80/",
        "http://127.0.0.1/",
        "https://localhost:3000/",
        "javascript:alert(1)//https://www.contoso.example",
        "data:text/html,x",
        "ftp://www.contoso.example/",
        "https://www.contoso.example/" + "x" * 2000,
        "http://localhost:port/",
        "http://localhost:99999/",
        "https://www.contoso.example:99999/",
    ],
)  # fmt: skip
def test_any_other_address_is_refused(url: str) -> None:
    assert not allowed(url, ORIGINS)


def test_an_origin_has_no_path() -> None:
    assert origin_allowed("https://www.contoso.example", ORIGINS)
    assert origin_allowed("http://localhost:5173", ORIGINS)
    assert not origin_allowed("https://www.contoso.example/path", ORIGINS)
    assert not origin_allowed("null", ORIGINS)
    assert not origin_allowed("", ORIGINS)
    assert not origin_allowed("*", ORIGINS)
