"""The installation: payment providers and their keys, web applications and their tokens, switches, people."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import msgspec

from gatepass.domain.errors import GatepassError, NotFound, Refused
from gatepass.services import accounts, connecting, connection, records, sites, switches
from gatepass.services.access import Role
from gatepass.services.answers import Answer
from gatepass.services.secrets import Shown
from gatepass.store import ReadTx, WriteTx, inbox, people, rows, staff
from gatepass.store.tables import Row
from gatepass.web.staff import people as person_pages
from gatepass.web.staff import providers as provider_pages
from gatepass.web.staff import sites as site_pages
from gatepass.web.staff.api.door import Call, Told, list_of
from gatepass.web.staff.api.shapes import Shape
from gatepass.web.staff.api.types.setting_up import (
    FindingOut,
    FindingsOut,
    InviteIn,
    KeyIn,
    KeyOut,
    KeysOut,
    PeopleOut,
    PersonOut,
    ReasonIn,
    RoleIn,
    SwitchesOut,
    SwitchIn,
    SwitchOut,
    TokenOut,
)
from gatepass.web.staff.asking import row_at

A_PROVIDER = Shape(
    provider_pages.TABLE,
    "StaffProvider",
    (*provider_pages.NAMES, "live"),
    (("connected", bool), ("notified", bool), ("keys", KeysOut)),
)
A_SITE = Shape(
    site_pages.TABLE,
    "StaffWebApplication",
    site_pages.FORM.names,
    (
        ("token_last_four", str), ("old_token_ends", datetime | None), ("last_used", datetime | None),
        ("token", str | None, None),
    ),
)  # fmt: skip
PROVIDERS, SITES = list_of(A_PROVIDER.told), list_of(A_SITE.told)


# Payment providers


async def providers(call: Call) -> Told:
    """GET /providers: payment providers"""

    def look(tx: ReadTx) -> Told:
        found = rows.matching(tx, A_PROVIDER.table, {})
        return PROVIDERS(items=[_provider(tx, call, row["id"]) for row in sorted(found, key=lambda row: row["id"])])

    return await call.store.snapshot(look)


async def provider(call: Call) -> Told:
    """GET /providers/{provider_id}: one, with the last four characters of its keys"""
    at = call.id("provider_id")
    return await call.store.snapshot(lambda tx: _provider(tx, call, at))


async def add_provider(call: Call, wish: msgspec.Struct) -> Answer:
    """POST /providers: a new one"""

    def unit(tx: WriteTx) -> UUID:
        return records.create(tx, call.caller, A_PROVIDER.table, A_PROVIDER.values(tx, wish))

    return await _provider_written(call, unit)


async def change_provider(call: Call, wish: msgspec.Struct) -> Answer:
    """PATCH /providers/{provider_id}: change it"""
    at, version = call.id("provider_id"), cast("Any", wish).version

    def unit(tx: WriteTx) -> UUID:
        values = A_PROVIDER.values(tx, wish)
        return records.update(tx, call.caller, A_PROVIDER.table, at, values, expected=version)

    return await _provider_written(call, unit)


async def set_key(call: Call, wish: KeyIn) -> Answer:
    """PUT /providers/{provider_id}/keys/{name}: stored encrypted, and used from now on"""
    at, name, here = call.id("provider_id"), call.request.path_params["name"], call.here

    def unit(tx: WriteTx) -> UUID:
        connecting.set_key(tx, here.vault, call.caller, at, name, wish.value, live=here.live)
        return at

    return await _provider_written(call, unit)


async def remove_key(call: Call) -> Answer:
    """DELETE /providers/{provider_id}/keys/{name}: what the settings say counts again"""
    at, name = call.id("provider_id"), call.request.path_params["name"]

    def unit(tx: WriteTx) -> UUID:
        connecting.provider_at(tx, at)
        connecting.remove_key(tx, call.here.vault, call.caller, at, name)
        return at

    return await _provider_written(call, unit)


async def register_webhook(call: Call) -> Told:
    """POST /providers/{provider_id}/webhook: the provider is told where to send; its secret is kept, and not shown"""
    at, here = call.id("provider_id"), call.here
    row = await call.store.read(lambda tx: connecting.provider_at(tx, at))
    adapter = here.desk.provider(row["kind"])
    await connecting.register_webhook(call.store, here.vault, call.caller, at, adapter, here.place)
    await here.connections.refresh()
    return await call.store.snapshot(lambda tx: _provider(tx, call, at))


async def check_provider(call: Call) -> FindingsOut:
    """GET /providers/{provider_id}/check: asks the provider now; changes nothing"""
    at = call.id("provider_id")
    kind = (await call.store.read(lambda tx: connecting.provider_at(tx, at)))["kind"]
    adapter = call.here.desk.providers.get(kind)
    found = await connection.check(adapter, call.here.place) if adapter else []
    told = [FindingOut(what=one.what.value, health=one.health.value, says=one.says) for one in found]
    return FindingsOut(connected=adapter is not None, findings=told)


async def _provider_written(call: Call, unit: Callable[[WriteTx], UUID]) -> Answer:
    try:
        answer = await call.once(lambda tx: _provider(tx, call, unit(tx)))
    except GatepassError as error:
        raise A_PROVIDER.refused(error) from None
    await call.here.connections.refresh()
    return answer


def _provider(tx: ReadTx, call: Call, at: UUID) -> msgspec.Struct:
    row, keys = connecting.provider_at(tx, at), connecting.shown(tx, call.here.vault, at)
    told = KeysOut(**{name: _key(shown) for name, shown in keys.items()})
    connected = row["kind"] in call.here.desk.providers
    return A_PROVIDER.tell(row, connected=connected, notified=inbox.any_of(tx, row["kind"]), keys=told)


def _key(shown: Shown | None) -> KeyOut | None:
    return KeyOut(last_four=shown.last_four, changed=shown.changed) if shown else None


# Web applications


async def web_applications(call: Call) -> Told:
    """GET /web-applications: sites that may register attendees"""
    found = await call.store.read(people.web_applications)
    return SITES(items=[_site(row) for row in found])


async def web_application(call: Call) -> Told:
    """GET /web-applications/{site_id}: one of them"""
    at = call.id("site_id")
    return _site(await call.store.read(lambda tx: row_at(tx, A_SITE.table, at)))


async def add_web_application(call: Call, wish: msgspec.Struct) -> Answer:
    """POST /web-applications: the answer shows the token, this once"""

    def unit(tx: WriteTx) -> Told:
        row = row_at(tx, A_SITE.table, records.create(tx, call.caller, A_SITE.table, A_SITE.values(tx, wish)))
        return _site(row, row["token"])

    return await _site_written(call, unit)


async def change_web_application(call: Call, wish: msgspec.Struct) -> Answer:
    """PATCH /web-applications/{site_id}: change it"""
    at, version = call.id("site_id"), cast("Any", wish).version

    def unit(tx: WriteTx) -> Told:
        records.update(tx, call.caller, A_SITE.table, at, A_SITE.values(tx, wish), expected=version)
        return _site(row_at(tx, A_SITE.table, at))

    return await _site_written(call, unit)


async def rotate_token(call: Call) -> Answer:
    """POST /web-applications/{site_id}/token: a new one, shown this once; the one before counts for a week"""
    at = call.id("site_id")
    return await call.once(lambda tx: TokenOut(token=sites.rotate(tx, call.caller, at)))


async def end_old_token(call: Call) -> Answer:
    """DELETE /web-applications/{site_id}/old-token: the token before this one ends now"""
    at = call.id("site_id")
    return await call.once(lambda tx: sites.end_old_token(tx, call.caller, at))


async def _site_written(call: Call, unit: Callable[[WriteTx], Told]) -> Answer:
    try:
        return await call.once(unit)
    except GatepassError as error:
        raise A_SITE.refused(error) from None


def _site(row: Row, token: str | None = None) -> msgspec.Struct:
    more = {name: row[name] for name in ("old_token_ends", "last_used")}
    return A_SITE.tell(row, token_last_four=row["token"][-4:], token=token, **more)


# Switches


async def all_switches(call: Call) -> SwitchesOut:
    """GET /switches: feature switches"""
    return SwitchesOut(items=await call.store.read(lambda tx: [_switch(tx, name) for name in switches.ALL]))


async def put_switch(call: Call, wish: SwitchIn) -> Answer:
    """PUT /switches/{name}: put one on or off"""
    name = call.request.path_params["name"]

    def unit(tx: WriteTx) -> Told:
        switches.put(tx, name, to=wish.on, actor=call.caller.name)
        return _switch(tx, name)

    return await call.once(unit)


def _switch(tx: ReadTx, name: str) -> SwitchOut:
    label, meaning = switches.TOLD[name]
    return SwitchOut(name=name, on=switches.on(tx, name), label=label, meaning=meaning)


# People


async def everybody(call: Call) -> PeopleOut:
    """GET /people: who may sign in"""
    return PeopleOut(items=[_person(row) for row in await call.store.read(staff.everybody)])


async def person(call: Call) -> Told:
    """GET /people/{user_id}: one account"""
    at = call.id("user_id")
    return _person(_found(await call.store.read(lambda tx: staff.get(tx, at))))


async def invite(call: Call, wish: InviteIn) -> Answer:
    """POST /people: the invitation goes by mail; who is there already gets the role; no administrator"""

    def unit(tx: WriteTx) -> Told:
        role = _given_by_tokens(wish.role)
        added = accounts.add(tx, wish.email, wish.name, role, call.caller.name, mail=True)
        return _person(_found(staff.get(tx, added.user_id)))

    return await call.once(unit)


async def set_role(call: Call, wish: RoleIn) -> Answer:
    """PUT /people/{user_id}/role: another role, but not administrator"""
    role, actor = _given_by_tokens(wish.role), call.caller.name
    return await _changed(call, lambda tx, user: accounts.set_role(tx, user["email"], role, actor, wish.reason))


async def disable(call: Call, wish: ReasonIn) -> Answer:
    """POST /people/{user_id}/disable: nobody signs in with this account"""
    return await _changed(
        call, lambda tx, user: accounts.disable(tx, user["email"], call.caller.name, wish.reason)
    )  # fmt: skip


async def enable(call: Call, wish: ReasonIn) -> Answer:
    """POST /people/{user_id}/enable: open the account again, unless it is an administrator's"""

    def unit(tx: WriteTx, user: Row) -> None:
        _given_by_tokens(user["role"])
        accounts.enable(tx, user["email"], call.caller.name, wish.reason)

    return await _changed(call, unit)


async def send_link(call: Call, wish: ReasonIn) -> Answer:
    """POST /people/{user_id}/link: the invitation again, or a reset, by mail"""
    return await _changed(call, lambda tx, user: accounts.mail_new_link(tx, user, call.caller.name, wish.reason))


def _given_by_tokens(name: str) -> Role:
    """A role that a token may give. An administrator makes tokens: what leaks could renew itself. Raises Refused."""
    role = Role.of(name)
    if role is Role.ADMINISTRATOR:
        says = "A token makes nobody an administrator: let an administrator do it at /staff/people, or run gatepass user add."
        raise Refused("AdministratorByPeople", says, field="role")
    return role


async def _changed(call: Call, change: Callable[[WriteTx, Row], object]) -> Answer:
    at = call.id("user_id")

    def unit(tx: WriteTx) -> Told:
        change(tx, _found(staff.lock(tx, at)))
        return _person(_found(staff.get(tx, at)))

    return await call.once(unit)


def _person(user: Row) -> PersonOut:
    told = person_pages.told(user)
    return PersonOut(
        id=told["id"], email=told["email"], name=told["name"], role=told["role"].value, state=told["word"],
        second_factor=told["second_factor"], elsewhere=told["elsewhere"],
    )  # fmt: skip


def _found(user: Row | None) -> Row:
    if user is None:
        raise NotFound("StaffUnknown", "There is no account with this id.")
    return user
