"""Rules of sessions' registrations, waitlists, check-ins and the questions of a form. None of them touches money."""

from collections import Counter
from uuid import UUID

from gatepass import model
from gatepass.services.records import refusals
from gatepass.services.records.change import Change, held
from gatepass.services.records.rules.events import attending, takes_a_place
from gatepass.store import WriteTx, rows
from gatepass.store.tables import Row

MULTIPLE_CHOICE, SINGLE_CHOICE = 100000002, 100000003
"""Types of a question that need choices."""
SESSION_CHECK_IN = 100000000
_REGISTERED, _CANCELLED = 1, 2
_SESSION, _EVENT = model.BY_NAME["session"], model.BY_NAME["event"]


def session_registration(change: Change) -> None:
    """A session never has more people than it takes: they are counted under the lock of its row."""
    after = change.after
    owner = change.target("session_id", "session")
    if owner is None or after["contact_id"] is None:
        return
    _check_event(change, owner["event_id"], "session")
    _cancel(change)
    if after["registration_id"]:
        _check_person(change, _counting_registration(change, owner["event_id"]))
    had = change.before is not None and takes_a_place(change.before) and not change.changes("session_id", "contact_id")
    if takes_a_place(after) and not had:
        _check_place(change, owner)
    _count(change)


def _cancel(change: Change) -> None:
    """The flag and the status say the same, whichever of them was given."""
    after = change.after
    if (
        "iscanceled" in change.given
        and not {"state", "reason"} & change.given
        and after["iscanceled"] != (after["state"] == 1)
    ):
        after["state"], after["reason"] = (1, _CANCELLED) if after["iscanceled"] else (0, _REGISTERED)
    after["iscanceled"] = after["state"] == 1


def _check_event(change: Change, event_id: UUID, what: str) -> None:
    if change.after["event_id"] not in {None, event_id}:
        raise refusals.broken(f"The {what} belongs to another event than this record says. Leave the event out.")
    change.after["event_id"] = event_id


def _counting_registration(change: Change, event_id: UUID) -> Row:
    """The registration that this record names: of this event, and not cancelled."""
    found = held(change.tx, "registration", change.after["registration_id"])
    if found["event_id"] != event_id:
        raise refusals.broken("The registration is for another event.")
    if found["status"] == "cancelled":
        raise refusals.broken("This registration is cancelled: it lets nobody in.")
    return found


def _check_person(change: Change, registration: Row) -> None:
    if registration["contact_id"] not in {None, change.after["contact_id"]}:
        raise refusals.broken("The registration is another contact's. Name the contact that it was made for.")


def _check_place(change: Change, owner: Row) -> None:
    others = rows.matching(
        change.tx, change.table, {"session_id": owner["id"], "contact_id": change.after["contact_id"]}
    )
    if any(takes_a_place(one) for one in others if one["id"] != change.id):
        raise refusals.broken("This contact is registered for the session already.")
    taken = attending(change.tx, owner["id"], but=change.id)
    if owner["capacity"] is not None and taken >= owner["capacity"]:
        raise refusals.broken(
            f"The session is full: it takes {owner['capacity']} people. Raise its capacity, or set the status reason to "
            "Waitlisted."
        )


def _count(change: Change) -> None:
    """Keep the registration count of the session, and of the one it was for."""
    before = change.before
    if before is not None and takes_a_place(before):
        rows.count_up(change.tx, _SESSION, before["session_id"], "registrationcount", -1)
    if takes_a_place(change.after):
        rows.count_up(change.tx, _SESSION, change.after["session_id"], "registrationcount", 1)


def session_registration_goes(tx: WriteTx, before: Row) -> None:
    """Its place is free again."""
    if takes_a_place(before):
        rows.count_up(tx, _SESSION, before["session_id"], "registrationcount", -1)


def waitlist_item(change: Change) -> None:
    """Somebody waits for an event, or for a session of it."""
    owner = change.target("session_id", "session")
    if owner is not None:
        _check_event(change, owner["event_id"], "session")
    if change.after["event_id"] is None:
        raise refusals.broken("Say what the contact waits for: set msevtmgt_event, or msevtmgt_session.")


def check_in(change: Change) -> None:
    """Only who holds a registration that counts is let in. Nothing of the order changes."""
    after = change.after
    if after["registration_id"] is None:
        return
    event_id = held(change.tx, "registration", after["registration_id"])["event_id"]
    found = _counting_registration(change, event_id) if change.changes("registration_id") else None
    _check_event(change, event_id, "registration")
    _check_session(change, event_id)
    if found is not None:
        after["contact_id"] = after["contact_id"] or found["contact_id"]
        _check_person(change, found)
    if change.new:
        _check_first(change)
        after["checkintime"] = after["checkintime"] or change.tx.now
        _count_check_in(change.tx, after, 1)
    elif change.changes("sessionattended_id", "registration_id", "checkintype"):
        raise refusals.broken("A check-in stays what it is. Delete it, and check in anew.")


def _check_first(change: Change) -> None:
    """One ticket lets one person in: who is inside comes in again only after checking out."""
    where = {name: change.after[name] for name in ("registration_id", "checkintype", "sessionattended_id")}
    for one in rows.matching(change.tx, change.table, where):
        if one["state"] == 0 and one["checkouttime"] is None:
            raise refusals.broken(
                f"Checked in already, at {one['checkintime']:%Y-%m-%d %H:%M} UTC. For somebody who left and comes again, "
                "set msevtmgt_checkouttime of that check-in first."
            )


def _check_session(change: Change, event_id: UUID) -> None:
    attended = change.target("sessionattended_id", "session")
    if attended is not None and attended["event_id"] != event_id:
        raise refusals.broken("The session belongs to another event than the registration.")
    if attended is None and change.after["checkintype"] == SESSION_CHECK_IN:
        raise refusals.broken("A session check-in needs the session: set msevtmgt_SessionAttended.")


def check_in_goes(tx: WriteTx, before: Row) -> None:
    """It no longer counts."""
    _count_check_in(tx, before, -1)


def _count_check_in(tx: WriteTx, row: Row, by: int) -> None:
    if row["sessionattended_id"]:
        rows.count_up(tx, _SESSION, row["sessionattended_id"], "checkincount", by)
    elif row["event_id"]:
        rows.count_up(tx, _EVENT, row["event_id"], "checkincount", by)


def custom_field(change: Change) -> None:
    """A question with choices has some."""
    choices = [line for line in (change.after["choices"] or "").splitlines() if line.strip()]
    if change.after["type"] in {MULTIPLE_CHOICE, SINGLE_CHOICE} and not choices:
        raise change.broken("choices", "A question of this type needs choices: set msevtmgt_choices, one in each line.")
    twice = [one for one, times in Counter(line.strip() for line in choices).items() if times > 1]
    if twice and change.changes("choices"):
        raise change.broken("choices", f"The choice “{twice[0]}” stands there twice. Each is one line of its own.")
