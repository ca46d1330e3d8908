"""Pictures of events, kept here: so no visitor's browser asks another host for one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from gatepass.store.engine import ReadTx, WriteTx
from gatepass.store.tables import event, picture


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it is served. `kind`: its media type."""

    kind: str
    body: bytes


def find(tx: ReadTx, name: str) -> Picture | None:
    """The picture of this name; None when it is not here (yet)."""
    row = tx.row(sa.select(picture.c.kind, picture.c.body).where(picture.c.name == name, picture.c.body.is_not(None)))
    return Picture(row["kind"], row["body"]) if row else None


def problem_of(tx: ReadTx, name: str) -> str | None:
    """Why a picture is not here; None when it is, or nobody has tried."""
    return tx.execute(sa.select(picture.c.problem).where(picture.c.name == name)).scalar_one_or_none()


def missing(tx: ReadTx, now: datetime, limit: int) -> Sequence[tuple[str, int]]:
    """Addresses of other hosts that events name and that are to be fetched now, with how often that was tried."""
    tries = sa.func.coalesce(picture.c.tries, 0).label("tries")
    due = picture.c.name.is_(None) | (picture.c.body.is_(None) & (picture.c.due <= now))
    joined = event.outerjoin(picture, picture.c.source == event.c.image_url)
    found = sa.select(event.c.image_url, tries).select_from(joined).where(event.c.image_url.like("http%"), due)
    return [(row["image_url"], row["tries"]) for row in tx.rows(found.distinct().limit(limit))]


def keep(tx: WriteTx, name: str, source: str | None, kept: Picture) -> None:
    """Keep a picture. The same one again changes nothing."""
    _put(tx, name, {"source": source, "kind": kept.kind, "body": kept.body, "problem": None, "tries": 0, "due": None})


def failed(tx: WriteTx, name: str, source: str, problem: str, tries: int, due: datetime) -> None:
    """It could not be fetched; it is tried again at `due`."""
    values = {"source": source, "kind": None, "body": None, "problem": problem[:500], "tries": tries, "due": due}
    _put(tx, name, values)


def _put(tx: WriteTx, name: str, values: Mapping[str, object]) -> None:
    changed = {**values, "changed": tx.now}
    if not tx.execute(sa.update(picture).where(picture.c.name == name).values(changed)).rowcount:
        tx.insert_many(picture, [{"name": name, **changed}], unless="name")
