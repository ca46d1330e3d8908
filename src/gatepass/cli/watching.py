"""Commands that look after an installation: doctor, attention, switch."""

import os
from typing import Annotated

import typer

from gatepass.cli.common import ACTOR, DataDir, application, id_of, opened, read_settings, stop

LESS_URGENT = 10
"""Steps of niceness."""


@application.command()
def doctor(data_dir: DataDir = None) -> None:
    """Check settings, database, every promise, and what needs attention. Exit code 0: all is well."""
    from gatepass import doctor as doctor_

    settings = read_settings(data_dir)
    # It looks at whole tables: whoever sells goes first.
    if hasattr(os, "nice"):
        os.nice(LESS_URGENT)
    raise typer.Exit(doctor_.run(settings, print))


@application.command()
def attention(
    entry: Annotated[
        str | None, typer.Argument(help="Id of an entry to close; without one, all open ones are listed.")
    ] = None,
    reason: Annotated[str, typer.Option(help="How it was dealt with; kept in the audit.")] = "",
    data_dir: DataDir = None,
) -> None:
    """List what a person must decide, or close an entry that is dealt with."""
    from gatepass.domain.purchase import order_reference
    from gatepass.services import attention as attention_
    from gatepass.store import records

    with opened(data_dir) as store:
        if entry is None:
            for row in store.read_now(records.needing_attention):
                order = order_reference(row["purchase_id"]) if row["purchase_id"] else "-"
                print(f"{row['id']}  {order:<12}  {row['kind']:<16} {row['reason']}")
            return
        entry_id = id_of(entry, "gatepass attention")
        store.write_now(lambda tx: attention_.close(tx, entry_id, reason, ACTOR))
    print("Closed.")


@application.command()
def switch(
    words: Annotated[
        list[str],
        typer.Argument(help="payments or demo-payment-confirmation, and on or off.", metavar="[set] NAME on|off"),
    ],
    data_dir: DataDir = None,
) -> None:
    """Put a feature switch on or off."""
    from gatepass.services import switches

    name, to = words[-2:] if len(words) in {2, 3} and words[-3:-2] in ([], ["set"]) else ("", "")
    if to not in {"on", "off"}:
        stop("Name a switch, and say on or off.")
    with opened(data_dir) as store:
        store.write_now(lambda tx: switches.put(tx, name, to=to == "on", actor=ACTOR))
    print(f"{name} is {to}.")
