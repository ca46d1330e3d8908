"""Somebody of the staff at a browser without pictures."""

import email
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.policy import default
from typing import Any
from uuid import uuid4

import httpx
import pyotp
import sqlalchemy as sa

from gatepass.services import access
from gatepass.store import staff, tables
from gatepass.store.tables import Row
from tests.running import Running, hash_of

OWN = {"Sec-Fetch-Site": "same-origin"}
PASSWORD = "plum kettle orbit harbour"


@dataclass
class Staff:
    """One person with one browser."""

    system: Running
    email: str
    password: str = PASSWORD
    web: httpx.AsyncClient = field(default_factory=httpx.AsyncClient)

    @asynccontextmanager
    async def opened(self) -> "AsyncIterator[Staff]":
        """The browser is open."""
        async with httpx.AsyncClient(base_url=self.system.base_url, headers=OWN, timeout=30) as self.web:
            yield self

    async def get(self, path: str, **options: Any) -> httpx.Response:
        """Follows nothing."""
        return await self.web.get(path, **options)

    async def post(self, path: str, **form: str) -> httpx.Response:
        """A form of ours."""
        return await self.web.post(path, data=form)

    async def signs_in(self, password: str | None = None) -> httpx.Response:
        """With mail and password."""
        return await self.post("/staff/sign-in", email=self.email, password=password or self.password)

    async def sets_up_second_factor(self) -> tuple[str, list[str]]:
        """The secret in the app, and the recovery codes."""
        page = await self.post("/staff/account/second-factor")
        found = re.search(r"<code>([A-Z2-7]{32})</code>", page.text)
        assert found, page.text
        done = await self.post("/staff/account/second-factor/code", code=code_now(found[1]))
        assert done.status_code == 200, done.text
        return found[1], re.findall(r"\b[a-z2-7]{4}(?:-[a-z2-7]{4}){3}\b", done.text)

    async def mailed_link(self) -> str:
        """The newest link in this person's mails."""
        return await self.system.until(self._link)

    def _link(self) -> str | None:
        paths = sorted(self.system.mail_dir.glob("*.eml"), key=lambda path: path.stat().st_mtime)
        mails = [email.message_from_bytes(path.read_bytes(), policy=default) for path in paths]
        texts = [mail.get_content() for mail in mails if self.email in str(mail["to"])]
        found = [link for text in texts for link in re.findall(r"https?://\S+/staff/link/\S+", text)]
        return found[-1] if found else None

    async def session(self) -> Row:
        """The row of the session."""
        key = access.hashed(self.web.cookies["gatepass_staff"])
        wanted = sa.select(tables.staff_session).where(tables.staff_session.c.token_hash == key)
        found = await self.system.store.read(lambda tx: tx.row(wanted))
        assert found
        return found

    async def age_session(self, **columns: timedelta) -> None:
        """Time passes: these moments of the session are so long ago."""
        key = access.hashed(self.web.cookies["gatepass_staff"])
        values = {name: datetime.now(UTC) - age for name, age in columns.items()}
        await self.system.store.write(lambda tx: staff.change_session(tx, key, values))

    async def change_account(self, **columns: Any) -> None:
        """Straight into the table."""
        changed = sa.update(tables.staff_user).where(tables.staff_user.c.email == self.email).values(**columns)
        await self.system.store.write(lambda tx: tx.execute(changed))


@asynccontextmanager
async def member(system: Running, role: str) -> AsyncIterator[Staff]:
    """Somebody of this role, signed in."""
    address = f"{role}-{uuid4().hex[:8]}@contoso.example"
    await system.store.write(lambda tx: access.add_staff(tx, address, role, hash_of(PASSWORD), role))
    async with Staff(system, address).opened() as person:
        assert (await person.signs_in()).status_code == 303
        yield person


def code_now(secret: str) -> str:
    """What the app shows."""
    return pyotp.TOTP(secret).at(int(time.time()))
