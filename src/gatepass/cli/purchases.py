"""Commands about one purchase: timeline."""

from typing import TYPE_CHECKING, Annotated

import typer

from gatepass.cli.common import DataDir, application, installed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatepass.domain.timeline import Moment, Story
    from gatepass.services.views import Views
    from gatepass.store import ReadTx


@application.command()
def timeline(
    purchase: Annotated[str, typer.Argument(help="Id of a purchase, or its reference, such as GP-7K3F-92QD.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the same document as the API.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Tell what happened to one purchase, and whether its buyer was charged."""
    from gatepass.web import timeline_types

    with installed(data_dir) as here:
        story = here.store.snapshot_now(lambda tx: _told(tx, here.desk.management.views, purchase))
    if as_json:
        print(timeline_types.encoded(story, for_staff=True).decode())
        return
    for line in _lines(story):
        print(line)


def _told(tx: "ReadTx", views: "Views", text: str) -> "Story":
    return views.story(tx, views.one(tx, text))


def _lines(story: "Story") -> "Iterator[str]":
    from gatepass.services import texts

    zone = story.time_zone
    yield f"{story.reference}  {story.items}, {texts.money(story.total)}, {story.standing.replace('_', ' ')}"
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
