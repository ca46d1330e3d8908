"""Commands about one purchase: timeline."""

from typing import TYPE_CHECKING, Annotated

import typer

from gatepass.cli.common import DataDir, application, opened, read_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatepass.domain.timeline import Moment, Story
    from gatepass.store import ReadTx


@application.command()
def timeline(
    purchase: Annotated[str, typer.Argument(help="Id of a purchase, or an order reference such as GP-7K3F-92QD.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the same document as the API.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Tell what happened to one purchase, and whether its buyer was charged."""
    from gatepass.web import timeline_types

    live = read_settings(data_dir).live
    with opened(data_dir) as store:
        story = store.snapshot_now(lambda tx: _told(tx, purchase, live=live))
    if as_json:
        print(timeline_types.encoded(story, for_staff=True).decode())
        return
    for line in _lines(story):
        print(line)


def _told(tx: "ReadTx", text: str, *, live: bool) -> "Story":
    from gatepass.services import timeline as timeline_
    from gatepass.services.remote import story as stories

    purchase_id = timeline_.find(tx, text)
    return stories.tell_now(tx, purchase_id, live=live) or timeline_.tell_now(tx, purchase_id)


def _lines(story: "Story") -> "Iterator[str]":
    from gatepass.services import texts

    zone = story.time_zone
    yield f"{story.reference}  {story.items}, {texts.money(story.total)}, {story.status.value.replace('_', ' ')}"
    yield f"{story.title}; purchase {story.purchase_id}{'' if story.live else '; test, no money moves'}"
    yield ""
    yield f"Was I charged?  {story.answer.title}"
    for words in (story.answer.text, story.answer.next):
        if words:
            yield f"  {texts.plain(words, zone)}"
    yield ""
    yield f"Times in {texts.zone_name(story.created, zone)}"
    for one in story.moments:
        yield from _moment_lines(one, zone)


def _moment_lines(one: "Moment", zone: str) -> "Iterator[str]":
    from gatepass.services import texts

    when = "to come" if one.ahead else texts.brief(one.at, zone, seconds=True)
    yield f"{when:<25}  {one.title}"
    if one.text:
        yield f"{'':<25}  {texts.plain(one.text, zone)}"
    if one.detail:
        yield f"{'':<25}  {one.kind}: {', '.join(f'{name} {value}' for name, value in one.detail.items())}"
