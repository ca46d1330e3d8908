"""Whether money moves here (GATEPASS_MODE): the server says it when it starts, so that the rules of records know it."""

from gatepass.store import ReadTx, Store, records

_SETTING, _LIVE, _TEST = "mode", "live", "test"


async def tell(store: Store, *, live: bool) -> None:
    """What this server was set to."""
    if await store.read(is_live) is not live:
        await store.write(lambda tx: records.put_setting(tx, _SETTING, _LIVE if live else _TEST))


def is_live(tx: ReadTx) -> bool | None:
    """True when money moves; None: no server was ever started here."""
    told = records.get_setting(tx, _SETTING)
    return None if told is None else told == _LIVE
