"""Mail leaves by the job table: written down once per order and kind, sent until the mail server takes it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from pathlib import Path
from typing import Protocol
from uuid import UUID

from gatepass.domain.errors import NotFound, Unavailable
from gatepass.domain.event import Event
from gatepass.domain.purchase import Status, order_reference
from gatepass.domain.refund import Cause, Refund
from gatepass.services import texts
from gatepass.services.links import Links
from gatepass.store import ReadTx, Store, WriteTx, events, jobs, purchases, records, refunds
from gatepass.store.jobs import Job
from gatepass.store.purchases import AttendeeRow, Purchase

CONFIRMATION = "confirmation"
SMTP_TIMEOUT_S = 20.0


class Post(Protocol):
    """Takes a finished message. Raises Unavailable when it may work later."""

    async def send(self, message: EmailMessage, mail_id: UUID) -> None:
        """The same mail may come twice after a crash: it has the same Message-ID."""
        ...


@dataclass(frozen=True, slots=True)
class MailDirectory:
    """Writes each mail as a file `<id>.eml`: the demo's mail server."""

    directory: Path

    async def send(self, message: EmailMessage, mail_id: UUID) -> None:
        """Written beside and moved into place: a reader never sees half a mail."""
        self.directory.mkdir(parents=True, exist_ok=True)
        draft = self.directory / f".{mail_id}"
        draft.write_bytes(message.as_bytes())
        draft.rename(self.directory / f"{mail_id}.eml")


@dataclass(frozen=True, slots=True)
class MailServer:
    """Sends by SMTP."""

    host: str
    port: int
    username: str | None
    password: str | None
    tls: str
    """"starttls", "tls" or "none"."""

    async def send(self, message: EmailMessage, mail_id: UUID) -> None:
        """One connection per mail: simple, and fast enough for a job lane."""
        import aiosmtplib

        try:
            await aiosmtplib.send(
                message,
                hostname=self.host,
                port=self.port,
                username=self.username,
                password=self.password,
                use_tls=self.tls == "tls",
                start_tls=self.tls == "starttls",
                timeout=SMTP_TIMEOUT_S,
            )
        except (aiosmtplib.SMTPRecipientsRefused, aiosmtplib.SMTPNotSupported) as error:
            raise NotFound("MailRefused", "The mail server does not take mail for this recipient.") from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise Unavailable("MailServerDown", f"The mail server did not take it ({type(error).__name__}).") from error


@dataclass(frozen=True, slots=True)
class Mailer:
    """Writes and sends the mails of orders."""

    store: Store
    links: Links
    post: Post
    sender: str

    async def send_confirmation(self, claim: Job) -> None:
        """Tell the buyer of a completed order. Never sent for an order that is not completed."""
        order = await self._order(claim)
        if order is None or order.purchase.status is not Status.COMPLETED:
            await self.store.write_together(_finish, (claim, None))
            return
        passes = "pass" if len(order.people) == 1 else "passes"
        subject = f"Your {passes} for {order.event.name}"
        await self._send(claim, order, _Letter(CONFIRMATION, subject, _confirmation(order, self.links)))

    async def send_cancellation(self, claim: Job) -> None:
        """Tell the holder of a free order that it is cancelled."""
        order = await self._order(claim)
        if order is None:
            await self.store.write_together(_finish, (claim, None))
            return
        subject = f"Your registration for {order.event.name} is cancelled"
        await self._send(claim, order, _Letter("cancellation", subject, _cancellation(order, self.links)))

    async def send_refund_mail(self, claim: Job) -> None:
        """Tell the buyer that money is on its way back, and why."""
        refund_id = UUID(claim.payload["refund_id"])
        refund = await self.store.read(lambda tx: refunds.get(tx, refund_id))
        order = refund and await self.store.read(lambda tx: _order(tx, refund.purchase_id))
        if refund is None or order is None:
            await self.store.write_together(_finish, (claim, None))
            return
        subject = f"{texts.money(refund.amount, order.purchase.locale)} goes back to you: {order.event.name}"
        await self._send(
            claim,
            order,
            _Letter(f"refund:{refund.id.hex}", subject, _returned(order, refund, self.links), refund.requested),
        )

    async def send_report(self, claim: Job) -> None:
        """Tell the organizer of what was found: a mail that is about no order."""
        told = claim.payload
        message = EmailMessage(policy=SMTP)
        message["Subject"], message["From"], message["To"] = told["subject"], self.sender, ", ".join(told["to"])
        message["Date"], message["Message-ID"] = datetime.now(UTC), f"<{claim.id}@gatepass>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(told["text"])
        await self.post.send(message, claim.id)
        await self.store.write_together(_finish, (claim, None))

    async def _order(self, claim: Job) -> "_Order | None":
        purchase_id = UUID(claim.payload["purchase_id"])
        return await self.store.read(lambda tx: _order(tx, purchase_id))

    async def _send(self, claim: Job, order: "_Order", letter: "_Letter") -> None:
        mail_id, sent = await self.store.write_together(_write_down, (order, letter))
        if not sent:
            await self.post.send(self._message(order, letter, mail_id), mail_id)
        await self.store.write_together(_finish, (claim, mail_id))

    def _message(self, order: "_Order", letter: "_Letter", mail_id: UUID) -> EmailMessage:
        buyer = order.people[0]
        local, _, domain = buyer.email.rpartition("@")
        # Only a server that knows SMTPUTF8 takes a name before the @ that is not ASCII; a domain can always be written in ASCII.
        message = EmailMessage(policy=SMTP if local.isascii() else SMTPUTF8)
        message["Subject"] = letter.subject
        message["From"] = self.sender
        message["To"] = Address(f"{buyer.first_name} {buyer.last_name}", local, _in_ascii(domain))
        message["Date"] = letter.dated or order.purchase.created
        message["Message-ID"] = f"<{mail_id}@gatepass>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter.text)
        return message


def _in_ascii(domain: str) -> str:
    try:
        return domain.encode("idna").decode()
    except UnicodeError:
        return domain


@dataclass(frozen=True, slots=True)
class _Order:
    purchase: Purchase
    event: Event
    people: Sequence[AttendeeRow]


@dataclass(frozen=True, slots=True)
class _Letter:
    kind: str
    """Written once per purchase, kind and recipient."""
    subject: str
    text: str
    dated: datetime | None = None
    """None: when the order was made."""


def _order(tx: ReadTx, purchase_id: UUID) -> _Order | None:
    """None when there is nobody to write to: an order that a program made has no attendees."""
    purchase = purchases.get(tx, purchase_id)
    event = purchase and events.get(tx, purchase.event_id)
    people = purchases.tickets(tx, purchase_id)
    return _Order(purchase, event, people) if purchase and event and people else None


def _write_down(tx: WriteTx, wanted: Sequence[tuple[_Order, _Letter]]) -> Sequence[tuple[UUID, bool]]:
    """The id of each mail, and whether it was sent already."""
    return records.add_mails(
        tx, [(order.purchase.id, letter.kind, order.people[0].email, letter.subject) for order, letter in wanted]
    )


def _finish(tx: WriteTx, done: Sequence[tuple[Job, UUID | None]]) -> Sequence[None]:
    records.mark_sent(tx, [mail_id for _, mail_id in done if mail_id])
    standing = jobs.held(tx, [claim for claim, _ in done])
    jobs.finish(tx, [claim.id for claim, _ in done if claim.id in standing])
    return [None] * len(done)


def _confirmation(order: _Order, links: Links) -> str:
    event, purchase = order.event, order.purchase
    tickets = "\n".join(f"  {person.code}  {person.first_name} {person.last_name}" for person in order.people)
    return f"""Hello {order.people[0].first_name},

you are in. See you at {event.name}!

When   {texts.when(event.starts, event.ends, event.time_zone, purchase.locale)}
Where  {event.place}
Order  {order_reference(purchase.id)}: {purchase.items}, {texts.money(purchase.total, purchase.locale)}

Show the code at the door:
{tickets}

How your order stands, at any time:
{links.order(purchase.id, purchase.created)}

This link is yours alone. Please do not pass it on.
"""


_WHY = {
    Cause.STAFF: "The organizer gives it back",
    Cause.EVENT_CANCELLED: "The event does not take place",
    Cause.PAID_TWICE: "The order had been paid already, so this payment was one too many",
    Cause.PAID_LATE: "It arrived when the seats had been given away",
    Cause.PROVIDER: "The organizer gives it back",
}


def _returned(order: _Order, refund: Refund, links: Links) -> str:
    event, purchase = order.event, order.purchase
    stands = "Your registration stands." if purchase.status is Status.COMPLETED else "The order has ended."
    return f"""Hello {order.people[0].first_name},

{texts.money(refund.amount, purchase.locale)} {_way(refund)}

Why     {_WHY[refund.cause]}.
Event   {event.name}
Order   {order_reference(purchase.id)}: {purchase.items}

{stands} How it stands, at any time:
{links.order(purchase.id, purchase.created)}

This link is yours alone. Please do not pass it on.
"""


def _way(refund: Refund) -> str:
    if not refund.money_ref:
        return "is given back to you by the organizer, the way it was paid."
    return "is on its way back to you, to the card or account that it came from.\nBanks take up to ten days to show it."


def _cancellation(order: _Order, links: Links) -> str:
    event, purchase = order.event, order.purchase
    return f"""Hello {order.people[0].first_name},

your registration for {event.name} is cancelled. It was free, so nothing is to be paid back.

Order   {order_reference(purchase.id)}: {purchase.items}
{links.order(purchase.id, purchase.created)}

This link is yours alone. Please do not pass it on.
"""
