"""Mail leaves by the job table: written down once per order and kind, sent until the mail server takes it."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Protocol
from uuid import UUID

from gatepass.domain.errors import NotFound, Unavailable
from gatepass.domain.purchase import Status
from gatepass.languages import speaking
from gatepass.services.letters import words
from gatepass.services.letters.message import message_of
from gatepass.services.letters.words import Letter, Order
from gatepass.services.links import Links
from gatepass.store import ReadTx, Store, WriteTx, events, jobs, purchases, records, refunds, waitlist
from gatepass.store.jobs import Job

SMTP_TIMEOUT_S = 20.0
OFFER_KIND = "offer"
"""Of the mail that offers a seat to somebody who waits: one per order."""


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
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
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
    _pen: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def send_confirmation(self, claim: Job) -> None:
        """Tell the buyer of a completed order. Never sent for an order that is not completed."""
        order = await self._order(claim)
        if order is None or order.purchase.status is not Status.COMPLETED:
            await self.store.write_together(_finish, (claim, None))
            return
        await self._send(claim, order, lambda: words.confirmation(order, self.links))

    async def send_cancellation(self, claim: Job) -> None:
        """Tell the holder of a free order that it is cancelled."""
        order = await self._order(claim)
        if order is None:
            await self.store.write_together(_finish, (claim, None))
            return
        await self._send(claim, order, lambda: words.cancelled(order, self.links))

    async def send_link(self, claim: Job) -> None:
        """The link of an order, which its buyer asked for."""
        order = await self._order(claim)
        if order is None:
            await self.store.write_together(_finish, (claim, None))
            return
        kind: str = claim.payload["kind"]
        write = words.offered if kind == OFFER_KIND else words.way_back
        await self._send(claim, order, lambda: write(order, kind, self.links))

    async def send_waiting(self, claim: Job) -> None:
        """Tell somebody that they wait for a seat, and how to leave the list. Nothing when they have left it already."""
        item_id = UUID(claim.payload["item_id"])
        place = await self.store.read(lambda tx: waitlist.get(tx, item_id))
        event = place and await self.store.read(lambda tx: events.get(tx, place.event_id))
        if place and event and place.waits:
            with speaking(place.person.locale):
                letter = words.waiting(place, event, self.links)
                await self.post.send(message_of(place.person, event, letter, claim.id, self.sender), claim.id)
        await self.store.write_together(_finish, (claim, None))

    async def send_refund_mail(self, claim: Job) -> None:
        """Tell the buyer that money is on its way back, and why."""
        refund_id = UUID(claim.payload["refund_id"])
        refund = await self.store.read(lambda tx: refunds.get(tx, refund_id))
        order = refund and await self.store.read(lambda tx: _order(tx, refund.purchase_id))
        if refund is None or order is None:
            await self.store.write_together(_finish, (claim, None))
            return
        await self._send(claim, order, lambda: words.returned(order, refund, self.links))

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

    async def _order(self, claim: Job) -> Order | None:
        purchase_id = UUID(claim.payload["purchase_id"])
        return await self.store.read(lambda tx: _order(tx, purchase_id))

    async def _send(self, claim: Job, order: Order, write: Callable[[], Letter]) -> None:
        """In the language in which the order was made."""
        with speaking(order.purchase.locale):
            letter = write()
            mail_id, sent = await self.store.write_together(_write_down, (order, letter))
            if not sent:
                await self.post.send(await self._message(order, letter, mail_id), mail_id)
            await self.store.write_together(_finish, (claim, mail_id))

    async def _message(self, order: Order, letter: Letter, mail_id: UUID) -> EmailMessage:
        """One at a time, and whatever else waits goes first: pictures take milliseconds, in which nothing else moves."""
        async with self._pen:
            await asyncio.sleep(0)
            return message_of(order.people[0], order.event, letter, mail_id, self.sender)


async def ask_for_link(store: Store, purchase_id: UUID) -> None:
    """Have the link of an order mailed to its buyer: once in an hour, however often it is asked for."""
    await store.write(lambda tx: want_link(tx, purchase_id))


def want_link(tx: WriteTx, purchase_id: UUID) -> None:
    """The same inside a unit of work."""
    kind = _link_of(tx.now)
    payload = {"purchase_id": str(purchase_id), "kind": kind}
    jobs.add(tx, "send_link", payload, dedupe=f"{kind}:{purchase_id}")


def link_was_wanted(tx: ReadTx, purchase_id: UUID, now: datetime) -> bool:
    """In this hour or in the one before it."""
    return jobs.any_named(tx, [f"{_link_of(at)}:{purchase_id}" for at in (now, now - timedelta(hours=1))])


def _link_of(now: datetime) -> str:
    return f"link:{now:%Y%m%d%H}"


def _order(tx: ReadTx, purchase_id: UUID) -> Order | None:
    """None when there is nobody to write to: an order that a program made has no attendees."""
    purchase = purchases.get(tx, purchase_id)
    event = purchase and events.get(tx, purchase.event_id)
    people = purchases.tickets(tx, purchase_id)
    return Order(purchase, event, people) if purchase and event and people else None


def _write_down(tx: WriteTx, wanted: Sequence[tuple[Order, Letter]]) -> Sequence[tuple[UUID, bool]]:
    """The id of each mail, and whether it was sent already."""
    return records.add_mails(
        tx, [(order.purchase.id, letter.kind, order.people[0].email, letter.subject) for order, letter in wanted]
    )


def _finish(tx: WriteTx, done: Sequence[tuple[Job, UUID | None]]) -> Sequence[None]:
    records.mark_sent(tx, [mail_id for _, mail_id in done if mail_id])
    standing = jobs.held(tx, [claim for claim, _ in done])
    jobs.finish(tx, [claim.id for claim, _ in done if claim.id in standing])
    return [None] * len(done)
