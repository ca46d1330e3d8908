"""Lists, newest first, page by page; and `expand`, which opens ids into objects."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, cast

import msgspec

from gatepass.sandbox.errors import invalid
from gatepass.sandbox.events import READABLE_S
from gatepass.sandbox.objects import EXPANDABLE, Obj, collection
from gatepass.sandbox.store import Tx

DEFAULT_LIMIT = 10
MAX_DEPTH = 4
_COMPARE = MappingProxyType({"gt": ">", "gte": ">=", "lt": "<", "lte": "<="})
# Filters that are a column of the store; the others are looked up in the document.
_COLUMNS = frozenset(("status", "payment_intent", "payment_link", "charge", "currency"))
# `+created` keeps SQLite from reading a list by time and sorting all of it: by number, a page is ready after its rows.
_PLAIN = frozenset((*_COLUMNS, "product", "type", "source", "active"))


def page(tx: Tx, kind: str, params: Mapping[str, Any], url: str) -> Obj:
    """One page of all objects of `kind` that match the filters in `params`."""
    if {"type", "types"} <= set(params):
        raise invalid("You may pass either `type` or `types`, but not both.", "types")
    conditions: list[str] = ["kind = ?"]
    values: list[Any] = [kind]
    for name, wanted in params.items():
        _add_filter(name, wanted, conditions, values)
    if kind == "event":
        conditions.append("+created >= ?")
        values.append(tx.at - READABLE_S)
    limit = int(params.get("limit", DEFAULT_LIMIT))
    backwards = _add_cursor(tx, kind, params, conditions, values)
    order = "asc" if backwards else "desc"
    sql = f"select body from object where {' and '.join(conditions)} order by seq {order} limit {limit + 1}"
    found = [msgspec.json.decode(row["body"]) for row in tx.rows(sql, *values)]
    data = found[:limit]
    return collection(data[::-1] if backwards else data, url, has_more=len(found) > limit)


def expanded(tx: Tx, obj: Obj, paths: list[str]) -> Obj:
    """`obj` with the ids at these dotted paths opened; raises when a path names no id."""
    for path in paths:
        parts = path.split(".")
        if len(parts) > MAX_DEPTH:
            raise invalid(f"You cannot expand more than {MAX_DEPTH} levels of a property ({path}).", "expand")
        _expand(tx, obj, parts, path)
    return obj


def line_items(tx: Tx, owner: str, params: Mapping[str, Any], url: str) -> Obj:
    """The lines of a session or a link, in the order they were given."""
    items = cast("list[Obj]", tx.hidden(owner).get("line_items", []))
    ids = [item["id"] for item in items]
    if after := params.get("starting_after"):
        items = items[ids.index(after) + 1 :] if after in ids else []
    limit = int(params.get("limit", DEFAULT_LIMIT))
    return collection(items[:limit], url, has_more=len(items) > limit)


def _add_filter(name: str, wanted: Any, conditions: list[str], values: list[Any]) -> None:
    if name in _PLAIN:
        column = name if name in _COLUMNS else f"body ->> '$.{name}'"
        # `type=charge.*` means a group of events.
        conditions.append(f"{column} glob ?" if name == "type" and "*" in wanted else f"{column} = ?")
        values.append(wanted)
    elif name == "created":
        span = cast("dict[str, int]", wanted if isinstance(wanted, dict) else {"gte": wanted, "lte": wanted})
        for word, moment in span.items():
            conditions.append(f"+created {_COMPARE[word]} ?")
            values.append(moment)
    elif name in {"types", "ids"}:
        conditions.append(f"body ->> '$.{name[:-1]}' in ({', '.join('?' * len(wanted))})")
        values.extend(wanted)
    elif name == "customer_details":
        conditions.append("body ->> '$.customer_details.email' = ?")
        values.append(wanted["email"])
    elif name == "delivery_success":
        failed = "exists (select 1 from delivery d where d.event = object.id and d.state <> 'delivered')"
        conditions.append(f"not {failed}" if wanted else failed)


def _add_cursor(tx: Tx, kind: str, params: Mapping[str, Any], conditions: list[str], values: list[Any]) -> bool:
    """Returns whether the page is read backwards, from an object towards newer ones."""
    if "starting_after" in params and "ending_before" in params:
        raise invalid("You cannot use both starting_after and ending_before.", "starting_after")
    for name, sign in (("starting_after", "<"), ("ending_before", ">")):
        if name in params:
            tx.get(kind, params[name], name, 400)
            conditions.append(f"seq {sign} (select seq from object where id = ?)")
            values.append(params[name])
    return "ending_before" in params


def _expand(tx: Tx, node: Any, parts: list[str], path: str) -> None:
    if isinstance(node, list):
        for item in cast("list[Any]", node):
            _expand(tx, item, parts, path)
        return
    if not parts or node is None:
        return
    obj, name, rest = cast("Obj", node), parts[0], parts[1:]
    kind = str(obj.get("object"))
    if kind == "list" and name == "data":
        _expand(tx, obj["data"], rest, path)
        return
    if name == "line_items" and kind in {"checkout.session", "payment_link"}:
        folder = "checkout/sessions" if kind == "checkout.session" else "payment_links"
        obj[name] = line_items(tx, obj["id"], {}, f"/v1/{folder}/{obj['id']}/line_items")
    elif name == "refunds" and kind == "charge":
        obj[name] = page(tx, "refund", {"charge": obj["id"]}, f"/v1/charges/{obj['id']}/refunds")
    elif name in EXPANDABLE.get(kind, {}):
        if isinstance(obj.get(name), str):
            obj[name] = tx.find(obj[name])
    elif not (rest and isinstance(obj.get(name), dict)):
        raise invalid(f"This property cannot be expanded ({path}).", "expand")
    _expand(tx, obj.get(name), rest, path)
