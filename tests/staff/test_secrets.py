"""Secrets at rest: bound to their place, under a key that can be changed, seen by nobody."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
import sqlalchemy as sa

from gatepass.domain.errors import Refused
from gatepass.services import secrets
from gatepass.services.secrets import Place, Sealer, Vault
from gatepass.store import secrets as kept
from gatepass.store import tables
from tests.running import Running

OLD, NEW = "an older key of the installation, long enough", "the newest key of the installation, long enough"
SECRET = "sk_live_0123456789abcdef7890"


async def test_a_secret_is_read_at_its_place_and_shown_by_its_last_four(gatepass: Running) -> None:
    vault, place = Vault(Sealer([OLD])), Place("payment_provider", uuid4(), "secret_key")
    await gatepass.store.write(lambda tx: vault.put(tx, place, SECRET, show_last_four=True))

    assert await gatepass.store.read(lambda tx: vault.read(tx, place)) == SECRET
    shown = await gatepass.store.read(lambda tx: vault.shown(tx, place))
    assert shown
    assert shown.last_four == "7890"
    assert abs(shown.changed - datetime.now(UTC)).total_seconds() < 60
    assert SECRET not in repr(shown)


@pytest.mark.parametrize("column", ["table_name", "row_id", "column_name"])
async def test_a_secret_that_was_moved_cannot_be_read(gatepass: Running, column: str) -> None:
    vault, place = Vault(Sealer([OLD])), Place("payment_provider", uuid4(), "secret_key")
    moved = {"table_name": "webhook_endpoint", "row_id": uuid4(), "column_name": "webhook_secret"}[column]
    to = Place(**{"table": place.table, "row": place.row, "column": place.column} | {_FIELD[column]: moved})  # type: ignore[arg-type]
    await gatepass.store.write(lambda tx: vault.put(tx, place, SECRET))
    await gatepass.store.write(lambda tx: tx.execute(sa.update(tables.secret).values(**{column: moved})))

    with pytest.raises(Refused, match="cannot be read"):
        await gatepass.store.read(lambda tx: vault.read(tx, to))


_FIELD = {"table_name": "table", "row_id": "row", "column_name": "column"}


async def test_rotation_encrypts_all_of_them_anew_once(gatepass: Running) -> None:
    old, both, new = (Vault(Sealer(keys)) for keys in ([OLD], [OLD, NEW], [NEW]))
    places = [Place("payment_provider", uuid4(), "secret_key") for _ in range(3)]
    for place in places:
        await gatepass.store.write(lambda tx, place=place: old.put(tx, place, SECRET))

    assert await gatepass.store.write(lambda tx: secrets.rotate(tx, both.sealer, "test")) == (3, 3)
    assert await gatepass.store.write(lambda tx: secrets.rotate(tx, both.sealer, "test")) == (0, 3)

    for place in places:
        assert await gatepass.store.read(lambda tx, place=place: new.read(tx, place)) == SECRET
        with pytest.raises(Refused):
            await gatepass.store.read(lambda tx, place=place: old.read(tx, place))


async def test_a_lost_key_stops_the_rotation_and_changes_nothing(gatepass: Running) -> None:
    lost, readable = Place("payment_provider", uuid4(), "a"), Place("payment_provider", uuid4(), "b")
    await gatepass.store.write(lambda tx: Vault(Sealer(["a key that is gone for ever, alas"])).put(tx, lost, SECRET))
    await gatepass.store.write(lambda tx: Vault(Sealer([OLD])).put(tx, readable, SECRET))

    with pytest.raises(Refused, match=str(lost.row)):
        await gatepass.store.write(lambda tx: secrets.rotate(tx, Sealer([OLD, NEW]), "test"))

    assert await gatepass.store.read(lambda tx: Vault(Sealer([OLD])).read(tx, readable)) == SECRET


async def test_the_command_rotates_webhook_secrets_and_those_of_apps(gatepass: Running) -> None:
    await gatepass.command("webhook", "add", "https://hooks.example/in")
    said, _, code = await gatepass.command("secrets", "rotate")

    assert (code, said.startswith("0 of 1 secrets")) == (0, True)


def test_every_encrypted_column_is_known_to_the_rotation() -> None:
    binary = {
        (table.name, column.name)
        for table in tables.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, sa.LargeBinary) and column.name not in {"body"}
    }
    assert binary == {*kept.SEALED, ("secret", "sealed")}
