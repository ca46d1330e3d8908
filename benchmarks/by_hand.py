"""The SQL that the Web API's requests come to, as one writes it by hand, by the driver alone: what ours is read against."""

import sqlite3
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from time import perf_counter
from typing import Any
from uuid import UUID

import psycopg
from uuid_utils import compat as uuids

from benchmarks.history import purchase_id
from gatepass.model.build import SYSTEM_USER

ROW = "p.id, p.version, p.name, p.total_minor, p.currency, p.status, p.created"
POINT = f"select {ROW} from purchase p where p.id = ?"
PAGE = (
    f"select {ROW}, e.id, e.version, e.name from purchase p join event e on e.id = p.event_id where p.status = 'completed' "
    "{behind} order by p.created desc, p.id desc limit 51"
)
FAR = "select created, id from purchase p where status = 'completed' order by created desc, id desc limit 1 offset ?"
CONTACT = (
    "insert into contact (id, firstname, lastname, emailaddress1, fullname, created, changed, created_by, changed_by, owner) "
    "values (?, 'Ada', 'Byron', ?, 'Ada Byron', ?, ?, ?, ?, ?)"
)
CONTACT_CHANGED = "update contact set jobtitle = ?, changed = ?, version = version + 1 where id = ?"
AUDIT = "insert into audit (id, at, actor, action, subject, detail) values (?, ?, 'bench', 'contact', ?, ?)"


class ByHand:
    """One connection, transactions of its own making."""

    def __init__(self, url: str) -> None:
        self._postgresql = url.startswith("postgres")
        if self._postgresql:
            self._connection: Any = psycopg.connect(url, autocommit=True)
            return
        self._connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            self._connection.execute(f"PRAGMA {pragma}")

    def point(self, number: int) -> Any:
        """One purchase."""
        return self._rows(POINT, [self._id(purchase_id(number))])

    def page(self, after: Sequence[Any] = ()) -> Any:
        """Fifty purchases with their events, behind this moment and id."""
        behind = "and (p.created, p.id) < (?, ?)" if after else ""
        return self._rows(PAGE.format(behind=behind), after)

    def far(self, rows: int) -> Sequence[Any]:
        """Moment and id of the last of so many rows."""
        return self._rows(FAR, [rows - 1])[0]

    def create(self, contacts: Sequence[tuple[UUID, str]]) -> None:
        """Contacts of this id and mail address, and an audit row for each; one transaction."""
        at, by = self._now(), self._id(SYSTEM_USER)
        rows = [(self._id(key), mail, at, at, by, by, by) for key, mail in contacts]
        self._together((CONTACT, rows), (AUDIT, self._audit(contacts, at)))

    def change(self, contacts: Sequence[tuple[UUID, str]]) -> None:
        """Another job title for each, and an audit row; one transaction."""
        at = self._now()
        rows = [(title, at, self._id(key)) for key, title in contacts]
        self._together((CONTACT_CHANGED, rows), (AUDIT, self._audit(contacts, at)))

    def close(self) -> None:
        self._connection.close()

    def _audit(self, contacts: Sequence[tuple[UUID, str]], at: Any) -> list[tuple[Any, ...]]:
        return [
            (self._id(uuids.uuid7()), at, f"contact:{key}", f'{{"after": {{"said": "{said}"}}}}')
            for key, said in contacts
        ]

    def _together(self, *work: tuple[str, list[tuple[Any, ...]]]) -> None:
        cursor = self._connection.cursor()
        cursor.execute("begin" if self._postgresql else "begin immediate")
        for sql, rows in work:
            cursor.executemany(self._spelled(sql), rows)
        cursor.execute("commit")

    def _rows(self, sql: str, parameters: Sequence[Any]) -> list[Any]:
        return self._connection.execute(self._spelled(sql), parameters).fetchall()

    def _spelled(self, sql: str) -> str:
        return sql.replace("?", "%s") if self._postgresql else sql

    def _id(self, at: UUID) -> Any:
        return at if self._postgresql else at.hex

    def _now(self) -> Any:
        now = datetime.now(UTC)
        return now if self._postgresql else now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def seconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    began = perf_counter()
    work()
    return perf_counter() - began
