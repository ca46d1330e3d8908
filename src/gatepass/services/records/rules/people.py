"""Rules of contacts: one person is known by mail and names."""

from gatepass.services.contacts import full_name, match_key
from gatepass.services.records.change import Change
from gatepass.store import rows

_KNOWN_BY = frozenset({"firstname", "lastname", "emailaddress1"})


def contact(change: Change) -> None:
    """The full name follows the names. Of two contacts with the same mail and names, the first one is who registrations find."""
    if not change.new and not _KNOWN_BY & change.given:
        return
    after = change.after
    after["fullname"] = full_name(after["firstname"] or "", after["lastname"] or "")
    key = match_key(after["emailaddress1"] or "", after["firstname"] or "", after["lastname"] or "")
    holder = rows.id_by(change.tx, change.table, {"match_key": key}) if after["emailaddress1"] else None
    after["match_key"] = key if after["emailaddress1"] and holder in {None, change.id} else None
