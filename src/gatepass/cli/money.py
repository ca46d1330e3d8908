"""Commands about money: reconcile."""

from typing import TYPE_CHECKING, Annotated

import typer

from gatepass.cli.common import ACTOR, DataDir, application, check_schema, moment_of, read_settings, stop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatepass.config import Settings
    from gatepass.domain.difference import Sums
    from gatepass.services.books import Books, Period

Moment = Annotated[str | None, typer.Option(metavar="TIME", help="Such as 2026-11-01 or 2026-11-01T18:00; UTC.")]


@application.command()
def reconcile(
    since: Moment = None,
    until: Moment = None,
    apply: Annotated[
        bool, typer.Option("--apply", help="Mend what can be mended; the rest goes to attention.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one object of JSON per provider.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Hold our record against the provider's. Exit code 0: equal, 1: differences, 2: it could not be compared, or not with all."""
    import asyncio

    from gatepass import server
    from gatepass.domain.errors import GatepassError
    from gatepass.services.reconcile import period_of

    settings = read_settings(data_dir)
    server.log_to_stderr("warning")
    check_schema(settings, may_migrate=False)
    period = period_of(moment_of(since), moment_of(until))
    if period.since >= period.until:
        stop("--since has to lie before --until, which is now where it is not given.")
    try:
        found = asyncio.run(_compared(settings, period, apply=apply))
    except GatepassError as error:
        stop(f"It could not be compared: {error.message}")
    if not found:
        stop("No payment provider is connected: there is nothing to compare with. Set GATEPASS_STRIPE_SECRET_KEY.")
    for provider, books in found:
        _print_json(provider, period, books) if as_json else _print(provider, period, books)
    if any(books.not_asked for _, books in found):
        raise typer.Exit(2)
    raise typer.Exit(1 if any(books.differences for _, books in found) else 0)


async def _compared(settings: "Settings", period: "Period", *, apply: bool) -> "Sequence[tuple[str, Books]]":
    from gatepass import app
    from gatepass.services import reconcile as reconcile_

    here = app.installation(settings)
    order = reconcile_.Order(period, ACTOR, apply=apply)
    try:
        return [(name, await reconcile_.reconcile(here.desk, one, order)) for name, one in here.desk.providers.items()]
    finally:
        await here.close()


def _print(provider: str, period: "Period", books: "Books") -> None:
    from gatepass.domain.purchase import order_reference

    print(f"{provider}, {period.since:%Y-%m-%d %H:%M} to {period.until:%Y-%m-%d %H:%M} UTC: {books.payments} payments")
    for currency, balance in sorted(books.balances.items()):
        for name, side in ((provider, balance.theirs), ("here", balance.ours)):
            print(f"  {name:<10} {_told(side, currency)}")
        rest = f", without {_amount(balance.fees_to_store, currency)} of fees to store" if balance.fees_to_store else ""
        print(f"  {'difference':<10} {_told(balance.difference, currency)}{rest}")
    for one in books.differences.values():
        about = f"{order_reference(one.purchase_id)} {one.purchase_id}"
        print(f"  {one.kind.value} [{one.remedy.value}] {about} {one.ref}: here {one.ours}; {provider} {one.theirs}")
    if books.foreign:
        print(f"  {books.foreign} at {provider} name no purchase of this installation")
    if books.fees_unknown:
        print(f"  {books.fees_unknown} fees are not stored yet, which is no difference: --apply stores them")
    if books.not_asked:
        print(f"  Dynamics 365 was not asked: {books.not_asked} Only {provider} and our record were compared.")
    print(f"  {_verdict(books)}")


def _verdict(books: "Books") -> str:
    if books.differences:
        return f"{len(books.differences)} differences"
    if any(balance.differs for balance in books.balances.values()):
        return "no difference is open: what the sums differ by was closed in needs attention, or came meanwhile"
    return "equal, as far as was compared" if books.not_asked else "equal"


def _told(side: "Sums", currency: str) -> str:
    return ", ".join(f"{name} {_amount(minor, currency)}" for name, minor in _named(side).items())


def _named(side: "Sums") -> dict[str, int]:
    return {
        "charged": side.charged, "refunded": side.refunded, "disputed": side.disputed, "fees": side.fees, "net": side.net,
    }  # fmt: skip


def _amount(minor: int, currency: str) -> str:
    from gatepass.domain.money import Money

    return str(Money(minor, currency))


def _print_json(provider: str, period: "Period", books: "Books") -> None:
    import json

    balances = {
        currency: {
            "provider": _named(one.theirs), "here": _named(one.ours), "difference": _named(one.difference),
            "fees_to_store": one.fees_to_store,
        }
        for currency, one in books.balances.items()
    }  # fmt: skip
    lines = [
        {
            "kind": one.kind.value, "remedy": one.remedy.value, "purchase": str(one.purchase_id), "reference": one.ref,
            "here": one.ours, "provider": one.theirs,
        }
        for one in books.differences.values()
    ]  # fmt: skip
    said = {
        "provider": provider, "since": period.since.isoformat(), "until": period.until.isoformat(),
        "payments": books.payments, "not_ours": books.foreign, "fees_unknown": books.fees_unknown,
        "minor_units": balances, "differences": lines, "not_asked": books.not_asked,
    }  # fmt: skip
    print(json.dumps(said))
