"""Mails to people who sign in: an invitation, or a way to set another password."""

from email.message import EmailMessage
from email.policy import SMTP
from uuid import UUID

from gatepass.services import accounts
from gatepass.services.mail import Mailer
from gatepass.store import WriteTx, jobs, staff
from gatepass.store.jobs import Job
from gatepass.store.tables import Row


async def send_link(mailer: Mailer, claim: Job) -> None:
    """Send the link of an account; nothing when the account is closed. A mail that is sent again opens the same page."""
    user_id = UUID(claim.payload["staff_user_id"])
    user = await mailer.store.write(lambda tx: _with_link(tx, user_id))
    if user:
        await mailer.post.send(_message(mailer, user, claim.id), claim.id)
    await mailer.store.write(lambda tx: _finish(tx, claim))


def _with_link(tx: WriteTx, user_id: UUID) -> Row | None:
    user = staff.lock(tx, user_id)
    if user is None or user["disabled"]:
        return None
    return user if user["link"] and user["link_ends"] > tx.now else accounts.new_link(tx, user)


def _finish(tx: WriteTx, claim: Job) -> None:
    if claim.id in jobs.held(tx, [claim]):
        jobs.finish(tx, [claim.id])


def _message(mailer: Mailer, user: Row, mail_id: UUID) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    message["Subject"] = "Set a new password" if user["password_hash"] else "You are invited to Gatepass"
    message["From"] = mailer.sender
    message["To"] = user["email"]
    message["Message-ID"] = f"<{mail_id}@gatepass>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_text(user, accounts.address_of(mailer.links, user)))
    return message


def _text(user: Row, address: str) -> str:
    if user["password_hash"]:
        why = "somebody, probably you, asked for a new password."
        end = "If it was not you, do nothing: the old password stays. The link works once, for two hours."
    else:
        why = "you are invited to work with Gatepass. Choose a password here."
        end = "The link works once, for a week, and is yours alone."
    return f"Hello {user['name']},\n\n{why}\n\n{address}\n\n{end}\n"
