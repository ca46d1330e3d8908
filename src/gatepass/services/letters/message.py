"""From the words of a mail to the message: plain text and HTML, the codes as pictures inside, the calendar's entry."""

from email.headerregistry import Address, HeaderRegistry
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from functools import lru_cache
from io import BytesIO
from typing import Any
from uuid import UUID

from gatepass.domain.event import Event
from gatepass.languages import isolated
from gatepass.services import calendar
from gatepass.services.letters import letters
from gatepass.services.letters.words import Letter, Reader

PIXELS_PER_MODULE = 6


class _Headers(HeaderRegistry):
    """Headers as the library reads them. Most are the same in every part of every mail, and reading is a third of the work."""

    def __init__(self) -> None:
        super().__init__()
        self._read_again = lru_cache(256)(super().__call__)

    def __call__(self, name: str, value: Any) -> Any:
        return self._read_again(name, value) if isinstance(value, str) else super().__call__(name, value)


_ASCII, _ANY = (policy.clone(header_factory=_Headers()) for policy in (SMTP, SMTPUTF8))


def message_of(reader: Reader, event: Event, letter: Letter, mail_id: UUID, sender: str) -> EmailMessage:
    """Ready to be sent to its reader. The same mail may be made again: it has the same Message-ID."""
    local, _, domain = reader.email.rpartition("@")
    # Only a server that knows SMTPUTF8 takes a name before the @ that is not ASCII; a domain can always be written in ASCII.
    message = EmailMessage(policy=_ASCII if local.isascii() else _ANY)
    message["Subject"] = " ".join(letter.subject.split())
    message["From"] = sender
    message["To"] = Address(f"{reader.first_name} {reader.last_name}", local, _in_ascii(domain))
    message["Date"] = letter.dated
    message["Message-ID"] = f"<{mail_id}@gatepass>"
    message["Auto-Submitted"] = "auto-generated"
    _fill(message, reader, event, letter)
    return message


def _fill(message: EmailMessage, reader: Reader, event: Event, letter: Letter) -> None:
    cids = [f"ticket{number}@gatepass" for number in range(1, len(letter.tickets) + 1)]
    context = {"letter": letter, "name": reader.first_name, "event": event, "cids": cids}
    message.set_content(letters().get_template("letter.txt").render(context | {"isolated": isolated}))
    message.add_alternative(letters().get_template("letter.html").render(context), subtype="html")
    html = message.get_payload()[1]  # type: ignore[index]
    assert isinstance(html, EmailMessage)
    for ticket, cid in zip(letter.tickets, cids, strict=True):
        html.add_related(_picture(ticket.code), "image", "png", cid=f"<{cid}>", disposition="inline")
    if letter.with_calendar:
        entry = calendar.text_of(calendar.of_event(event, letter.link), letter.dated)
        message.add_attachment(entry, subtype="calendar", filename="event.ics", params={"method": "PUBLISH"})


def _picture(code: str) -> bytes:
    import segno

    made = BytesIO()
    # A mask is there to break up regular data. A code is drawn by lot, so that any mask will do; to look for the best
    # one takes longer than all the rest of a mail.
    segno.make_qr(code, error="m", version=1, boost_error=False, mask=0).save(made, kind="png", scale=PIXELS_PER_MODULE)
    return made.getvalue()


def _in_ascii(domain: str) -> str:
    try:
        return domain.encode("idna").decode()
    except UnicodeError:
        return domain
