"""Every link that we give away: signed, for one purpose, with an end. An id alone opens nothing but the payment page."""

import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from urllib.parse import SplitResult, parse_qsl, quote, urlencode, urlsplit, urlunsplit
from uuid import UUID

from itsdangerous import BadSignature, Signer
from itsdangerous.signer import SigningAlgorithm

from gatepass.domain.errors import NotFound, Refused

ORDER_LINK_LIFE = timedelta(days=400)
"""From the order: long enough to come back to it after the event."""
MAX_URL_CHARS = 2000
_PLAIN = re.compile(r"[A-Za-z0-9_.~-]*")
"""What stands for itself in every part of an address (RFC 3986, 2.3)."""


@dataclass(frozen=True, slots=True)
class Links:
    """Makes and reads links. `keys`: the newest last, older ones still read."""

    base_url: str
    keys: Sequence[str]

    def order(self, purchase_id: UUID, made: datetime) -> str:
        """The buyer's own page of the order. The same input gives the same link, so that a provider call can be repeated."""
        return f"{self.base_url}/orders/{self.token('order', purchase_id, made + ORDER_LINK_LIFE)}"

    def payment_step(self, purchase_id: UUID, made: datetime) -> str:
        """Our own page where the order is paid, where that is the way."""
        return f"{self.order(purchase_id, made)}/pay"

    def ticket(self, attendee_id: UUID, made: datetime) -> str:
        """The page of one ticket, to be passed on to whom it lets in; the order stays with the buyer."""
        return f"{self.base_url}/tickets/{self.token('ticket', attendee_id, made + ORDER_LINK_LIFE)}"

    def waiting(self, item_id: UUID, since: datetime) -> str:
        """The page on which somebody leaves a waiting list."""
        return f"{self.base_url}/waitlist/{self.token('waiting', item_id, since + ORDER_LINK_LIFE)}"

    def back_from_payment(self, payment_id: UUID, opened: datetime) -> str:
        """Where the provider sends the buyer after paying."""
        return f"{self.base_url}/GatewayRedirect/Return/{self.token('return', payment_id, opened + ORDER_LINK_LIFE)}"

    def pay(self, payment_page_url: str, purchase_id: UUID, return_url: str) -> str:
        """`redirectUrl`: the provider record's page, its own query kept, plus purchaseId, returnUrl and our signature.

        A page that begins with a slash is one of this installation.
        """
        signature = self.pay_signature(purchase_id)
        added = f"purchaseId={purchase_id}&returnUrl={_quoted(return_url)}&signature={signature}"
        page = payment_page_url if "://" in payment_page_url else f"{self.base_url}{payment_page_url}"
        return f"{_open_ended(page)}{added}"

    def pay_signature(self, purchase_id: UUID) -> str:
        """Says that Gatepass issued a payment link. Links that Dynamics issued carry none."""
        return self._signer("pay").get_signature(str(purchase_id)).decode()

    def check_pay_signature(self, purchase_id: UUID, signature: str) -> None:
        """Raises Refused for a signature that is there and wrong."""
        if not self._signer("pay").verify_signature(str(purchase_id), signature):
            raise Refused(
                "LinkDamaged",
                "This payment link was changed on its way. Open the link in your mail or on the order page.",
            )

    def token(self, purpose: str, about: UUID, ends: datetime) -> str:
        """A credential for one thing, one purpose, until `ends`."""
        return self._signer(purpose).sign(f"{about.hex}.{int(ends.timestamp())}").decode()

    def read(self, purpose: str, token: str) -> UUID:
        """What a token of ours is about; raises NotFound when it is foreign, damaged or over."""
        try:
            about, ends = self._signer(purpose).unsign(token).decode().split(".")
            if int(ends) < datetime.now(UTC).timestamp():
                raise NotFound("LinkOver", "This link has ended. Ask the organizer for a new one.")
            return UUID(hex=about)
        except (BadSignature, ValueError):
            raise NotFound("LinkUnknown", "This link is not complete. Open it again from your mail.") from None

    def _signer(self, purpose: str) -> Signer:
        return _signer(tuple(self.keys), purpose)


class _OneCall(SigningAlgorithm):
    """HMAC-SHA256 in one call of C: a registration makes two, and the object of hmac.new takes longer than the digest."""

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        return hmac.digest(key, value, "sha256")


@cache
def _signer(keys: tuple[str, ...], purpose: str) -> Signer:
    """Every purpose has keys of its own, derived once: a token for one purpose is nothing for another."""
    own = [hmac.digest(key.encode(), f"gatepass.{purpose}".encode(), "sha256") for key in keys]
    return Signer(own, sep=".", key_derivation="none", algorithm=_OneCall())


def _quoted(url: str) -> str:
    """Percent-encoded whole. Addresses differ in their last part, and that is mostly a token, which stays as it is."""
    start, slash, end = url.rpartition("/")
    return _quoted_start(start + slash) + (end if _PLAIN.fullmatch(end) else quote(end, safe=""))


@lru_cache(maxsize=1000)
def _quoted_start(text: str) -> str:
    return quote(text, safe="")


@lru_cache(maxsize=1000)
def _open_ended(url: str) -> str:
    """A page's address that ends where members may be added, its own query encoded and kept."""
    page = urlsplit(url)
    query = urlencode(parse_qsl(page.query, keep_blank_values=True))
    return f"{urlunsplit(page._replace(query='', fragment=''))}?{query}{'&' if query else ''}"


def allowed(url: str, origins: Sequence[str]) -> bool:
    """True when `url` is an absolute http(s) address on one of the origins; `http://localhost:*` allows every port.

    Anything that browsers read differently than we do (userinfo, backslash, control characters) is refused.
    """
    if len(url) > MAX_URL_CHARS or "\\" in url or any(ord(char) <= 32 or ord(char) == 127 for char in url):
        return False
    try:
        parts = urlsplit(url)
        # Reading the port raises when it is none, which counts where an origin allows every port too.
        readable = bool(parts.hostname) and "@" not in parts.netloc and parts.port != 0
        return readable and any(_same(parts, origin) for origin in origins)
    except ValueError:
        return False


def origin_allowed(origin: str, origins: Sequence[str]) -> bool:
    """The same for the value of an Origin header, which has no path."""
    return allowed(origin, origins) and urlsplit(origin).path in {"", "/"}


def _same(parts: SplitResult, origin: str) -> bool:
    wanted = urlsplit(origin.removesuffix(":*"))
    if parts.scheme not in {"http", "https"} or (parts.scheme, parts.hostname) != (wanted.scheme, wanted.hostname):
        return False
    return origin.endswith(":*") or _port(parts) == _port(wanted)


def _port(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)
