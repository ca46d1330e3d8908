"""Integrators are told what happened: announced in the transaction of the change, sent by services/deliveries.py.

Who adds, changes or removes an integrator's address does it here, and it stands in the audit.
"""

import base64
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from gatepass.domain.errors import NotFound, Refused
from gatepass.domain.webhook import ANNOUNCED, EndpointState, Kind, MessageState
from gatepass.services import audit
from gatepass.services.secrets import Place, Sealer
from gatepass.store import WriteTx, webhooks
from gatepass.store.tables import Row, new_id

SECRET_BYTES = 32
"""Standard Webhooks: 24 to 64."""
SECRET_PREFIX = "whsec_"  # noqa: S105
OLD_SECRET_LIFE = timedelta(hours=24)
"""After a rotation both secrets sign for so long."""
MAX_DESCRIPTION_CHARS = 200
REMOVED = "The endpoint was removed."


@dataclass(frozen=True, slots=True)
class Subject:
    """What an announcement is about: an order, and what of it.

    `about` names the payment that failed, the refund that succeeded, or the registrations that were cancelled together;
    it is empty where the whole order is meant.
    """

    purchase_id: UUID
    about: Sequence[UUID] = ()


def announce(tx: WriteTx, kind: Kind, subjects: Iterable[Subject]) -> None:
    """Tell every endpoint that wants to know, once per fact however often it is announced. One look when there is none."""
    told = list(subjects)
    wanting = [at for at, kinds in webhooks.enabled(tx) if not kinds or kind.value in kinds] if told else []
    if wanting:
        webhooks.add_messages(tx, [_message(tx, at, kind, subject) for subject in told for at in wanting])


def _message(tx: WriteTx, endpoint_id: UUID, kind: Kind, subject: Subject) -> Row:
    # What is cancelled, refunded or failed is so once: the smallest id names the whole act.
    named = min(subject.about) if subject.about else subject.purchase_id
    return message_row(tx, endpoint_id, kind, f"{kind}:{named}", subject)


def message_row(tx: WriteTx, endpoint_id: UUID, kind: Kind, fact: str, subject: Subject | None) -> Row:
    """A message that is due at once. Its body is written at the first try."""
    return {
        "id": new_id(),
        "webhook_endpoint_id": endpoint_id,
        "purchase_id": subject and subject.purchase_id,
        "kind": kind.value,
        "fact": fact,
        "about": [str(at) for at in subject.about] if subject else [],
        "state": MessageState.PENDING.value,
        "due": tx.now,
        "tries": 0,
        "created": tx.now,
    }


# Endpoints


@dataclass(frozen=True, slots=True)
class NewEndpoint:
    """An integrator's address. No kinds: all of them; `personal`: names and mail addresses are sent to it."""

    url: str
    kinds: Sequence[str] = ()
    description: str = ""
    personal: bool = False


def add(tx: WriteTx, sealer: Sealer, new: NewEndpoint, *, allow_private: bool, actor: str) -> tuple[UUID, str]:
    """Its id, and its secret: shown now and never again. Raises Refused for an address, kind or description."""
    # Imported here: announcing needs no HTTP client.
    from gatepass.services.outbound import checked_url

    checked_url(new.url, allow_private=allow_private)
    _check_kinds(new.kinds)
    if len(new.description) > MAX_DESCRIPTION_CHARS:
        raise Refused("DescriptionTooLong", f"A description has at most {MAX_DESCRIPTION_CHARS} characters.")
    endpoint_id, secret = new_id(), secrets.token_bytes(SECRET_BYTES)
    row = {
        "id": endpoint_id,
        "url": new.url,
        "kinds": list(dict.fromkeys(new.kinds)),
        "description": new.description,
        "personal": new.personal,
        "secret": sealer.seal(secret, secret_place(endpoint_id)),
        "state": EndpointState.ENABLED.value,
        "created": tx.now,
    }
    webhooks.add_endpoint(tx, row)
    told = {"url": new.url, "kinds": list(new.kinds), "personal": new.personal}
    audit.write(tx, actor, "webhook.add", _subject(endpoint_id), after=told)
    return endpoint_id, in_words(secret)


def _check_kinds(kinds: Iterable[str]) -> None:
    known = [kind.value for kind in ANNOUNCED]
    for kind in kinds:
        if kind not in known:
            raise Refused("WebhookKindUnknown", f"There is no kind '{kind}'. There are: {', '.join(known)}.")


def secret_place(endpoint_id: UUID) -> Place:
    """Where the secret that signs is stored."""
    return Place("webhook_endpoint", endpoint_id, "secret")


def old_secret_place(endpoint_id: UUID) -> Place:
    """Where the one before it is stored."""
    return Place("webhook_endpoint", endpoint_id, "old_secret")


def in_words(secret: bytes) -> str:
    """As Standard Webhooks writes a secret: whsec_ and base64."""
    return SECRET_PREFIX + base64.b64encode(secret).decode()


def rotate(tx: WriteTx, sealer: Sealer, endpoint_id: UUID, actor: str) -> str:
    """A new secret, shown now and never again; the old one signs beside it for a day."""
    row = _locked(tx, endpoint_id)
    old, new = sealer.read(row["secret"], secret_place(endpoint_id)), secrets.token_bytes(SECRET_BYTES)
    values = {
        "secret": sealer.seal(new, secret_place(endpoint_id)),
        "old_secret": sealer.seal(old, old_secret_place(endpoint_id)),
        "old_secret_ends": tx.now + OLD_SECRET_LIFE,
    }
    webhooks.change_endpoint(tx, endpoint_id, values)
    after = {"secret": "another one", "old secret signs until": (tx.now + OLD_SECRET_LIFE).isoformat()}
    audit.write(tx, actor, "webhook.rotate", _subject(endpoint_id), before={"secret": "one"}, after=after)
    return in_words(new)


def disable(tx: WriteTx, endpoint_id: UUID, actor: str) -> None:
    """Nothing is sent to it, and nothing new is announced to it; what waits goes on waiting."""
    before = _locked(tx, endpoint_id)
    webhooks.change_endpoint(tx, endpoint_id, {"state": EndpointState.DISABLED.value, "reason": f"By {actor}."})
    _write_down(tx, actor, "disable", before, EndpointState.DISABLED)


def enable(tx: WriteTx, endpoint_id: UUID, actor: str) -> None:
    """It is told again, beginning with what waits."""
    before = _locked(tx, endpoint_id)
    values = {"state": EndpointState.ENABLED.value, "reason": None, "failing_since": None}
    webhooks.change_endpoint(tx, endpoint_id, values)
    _write_down(tx, actor, "enable", before, EndpointState.ENABLED)


def remove(tx: WriteTx, endpoint_id: UUID, actor: str) -> None:
    """For ever. Its messages stay as a record until their time is over; its secrets are gone at once."""
    before = _locked(tx, endpoint_id)
    values = {"state": EndpointState.REMOVED.value, "secret": b"", "old_secret": None, "old_secret_ends": None}
    webhooks.change_endpoint(tx, endpoint_id, values)
    webhooks.give_up_waiting(tx, endpoint_id, REMOVED)
    _write_down(tx, actor, "remove", before, EndpointState.REMOVED)


# Messages


def ping(tx: WriteTx, endpoint_id: UUID, lease: timedelta, actor: str) -> webhooks.Message:
    """A message that says nothing, claimed for whoever asks: an address is tried out before it counts."""
    _locked(tx, endpoint_id)
    row = message_row(tx, endpoint_id, Kind.PING, f"{Kind.PING}:{new_id()}", None)
    webhooks.add_messages(tx, [row])
    audit.write(tx, actor, "webhook.test", _subject(endpoint_id))
    return webhooks.take(tx, [row["id"]], lease)[0]


def redeliver(tx: WriteTx, message_id: UUID, actor: str) -> None:
    """Send one message again, whatever became of it, with the same id."""
    if not webhooks.send_again(tx, message_id=message_id):
        raise NotFound("MessageUnknown", f"There is no message {message_id}. List them with: gatepass webhook messages")
    audit.write(tx, actor, "webhook.redeliver", f"message:{message_id}")


def redeliver_failed(tx: WriteTx, endpoint_id: UUID | None, since: datetime | None, actor: str) -> int:
    """Send what was given up again, of one endpoint or from a time on; how many."""
    count = webhooks.send_again(tx, endpoint_id=endpoint_id, since=since)
    told = {"count": count, "since": since.isoformat() if since else None}
    audit.write(tx, actor, "webhook.redeliver", f"webhook:{endpoint_id or 'all'}", after=told)
    return count


def _locked(tx: WriteTx, endpoint_id: UUID) -> Row:
    row = webhooks.lock_endpoint(tx, endpoint_id)
    if row is None:
        raise NotFound("EndpointUnknown", f"There is no endpoint {endpoint_id}. List them with: gatepass webhook list")
    return row


def _write_down(tx: WriteTx, actor: str, action: str, before: Row, state: EndpointState) -> None:
    was, now = {"url": before["url"], "state": before["state"]}, {"url": before["url"], "state": state.value}
    audit.write(tx, actor, f"webhook.{action}", _subject(before["id"]), before=was, after=now)


def _subject(endpoint_id: UUID) -> str:
    return f"webhook:{endpoint_id}"
