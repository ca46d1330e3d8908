"""Products, prices, and the lines of an order made from them."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from gatepass.sandbox import money
from gatepass.sandbox.errors import StripeError, invalid, missing
from gatepass.sandbox.events import emit
from gatepass.sandbox.forms import merged
from gatepass.sandbox.objects import Obj, blank
from gatepass.sandbox.store import Tx

Params = Mapping[str, Any]


def create_product(tx: Tx, _: str, params: Params) -> Obj:
    """POST /v1/products"""
    given = {k: v for k, v in params.items() if k not in {"default_price_data", "expand"}}
    if "id" in given and tx.find(given["id"]):
        raise StripeError(400, "Product already exists.", code="resource_already_exists", param="id")
    product = blank("product", created=tx.at, updated=tx.at, **given)
    tx.add(product)
    if data := params.get("default_price_data"):
        product["default_price"] = _add_price(tx, product["id"], data)["id"]
        tx.save(product)
    emit(tx, "product.created", product)
    return product


def update_product(tx: Tx, identity: str, params: Params) -> Obj:
    """POST /v1/products/{id}"""
    product = tx.get("product", identity)
    return _update(tx, product, params, {"updated": tx.at})


def create_price(tx: Tx, _: str, params: Params) -> Obj:
    """POST /v1/prices"""
    price = _add_price(tx, _product_of(tx, params, ""), params)
    emit(tx, "price.created", price)
    return price


def update_price(tx: Tx, identity: str, params: Params) -> Obj:
    """POST /v1/prices/{id}"""
    return _update(tx, tx.get("price", identity), params, {})


def order_lines(tx: Tx, items: list[Obj]) -> list[Obj]:
    """The lines of a session or a link; raises unless all are payable at once and share one currency."""
    if not items:
        raise missing("line_items")
    lines = [_line(tx, item, f"line_items[{i}]") for i, item in enumerate(items)]
    currencies = {line["currency"] for line in lines}
    if len(currencies) > 1:
        message = "All line items must have the same currency: " + ", ".join(sorted(currencies))
        raise invalid(message, "line_items")
    return lines


def total(lines: list[Obj]) -> int:
    return sum(line["amount_total"] for line in lines)


def _line(tx: Tx, item: Obj, param: str) -> Obj:
    price = _price_of(tx, item, param)
    if "quantity" not in item:
        raise missing(f"{param}[quantity]")
    amount = price["unit_amount"] * item["quantity"]
    product = tx.get("product", price["product"])
    return blank(
        "item",
        amount_subtotal=amount,
        amount_total=amount,
        currency=price["currency"],
        description=product["name"],
        price=price,
        quantity=item["quantity"],
    )


def _price_of(tx: Tx, item: Obj, param: str) -> Obj:
    if ("price" in item) == ("price_data" in item):
        raise invalid("You must specify exactly one of `price` and `price_data`.", param)
    if "price" in item:
        price = tx.get("price", item["price"], f"{param}[price]", 400)
        if not price["active"]:
            raise invalid(f"The price {price['id']} is inactive. Use another one.", f"{param}[price]")
        return price
    data = cast("Obj", item["price_data"])
    # A price made for one order is not offered again.
    return _add_price(tx, _product_of(tx, data, f"{param}[price_data]", active=False), data, param, active=False)


def _product_of(tx: Tx, data: Params, param: str, active: bool = True) -> str:
    if ("product" in data) == ("product_data" in data):
        raise invalid(
            "You must specify exactly one of `product` and `product_data`.", f"{param}[product]" if param else "product"
        )
    if "product" in data:
        return tx.get("product", data["product"], f"{param}[product]" if param else "product", 400)["id"]
    return tx.add(blank("product", created=tx.at, updated=tx.at, active=active, **data["product_data"]))["id"]


def _add_price(tx: Tx, product: str, data: Params, param: str = "", active: bool = True) -> Obj:
    prefix = f"{param}[price_data]" if param else ""
    currency = money.known_currency(data["currency"], f"{prefix}[currency]" if prefix else "currency")
    where = f"{prefix}[unit_amount]" if prefix else "unit_amount"
    amount = _unit_amount(data, where)
    money.check_step(amount, currency, where)
    kept = ("nickname", "lookup_key", "metadata", "tax_behavior")
    given = {"active": active} | {k: data[k] for k in (*kept, "active") if k in data}
    figures = {"unit_amount": amount, "unit_amount_decimal": str(amount)}
    return tx.add(blank("price", created=tx.at, currency=currency, product=product, **figures, **given))


def _unit_amount(data: Params, param: str) -> int:
    if "unit_amount" in data:
        return int(data["unit_amount"])
    if "unit_amount_decimal" not in data:
        raise missing(param)
    try:
        amount = Decimal(data["unit_amount_decimal"])
    except InvalidOperation:
        raise invalid(f"Invalid decimal: {data['unit_amount_decimal']}", f"{param}_decimal") from None
    if not amount.is_finite() or amount != amount.to_integral_value() or amount < 0:
        raise invalid("The sandbox takes whole smallest units only.", f"{param}_decimal")
    return int(amount)


def _update(tx: Tx, obj: Obj, params: Params, also: Obj) -> Obj:
    changes: Obj = {k: v for k, v in params.items() if k not in {"metadata", "expand"}} | also
    if "metadata" in params:
        changes["metadata"] = merged(obj["metadata"], params["metadata"])
    previous = {k: obj.get(k) for k, v in changes.items() if obj.get(k) != v}
    emit(tx, f"{obj['object']}.updated", tx.save(obj | changes), previous)
    return obj | changes
