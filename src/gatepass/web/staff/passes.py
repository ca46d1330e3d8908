"""Passes and questions of an event: made, changed, removed. Both have the same five pages."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from gatepass.domain.errors import GatepassError
from gatepass.services import planning
from gatepass.services.access import Caller
from gatepass.store import ReadTx, WriteTx
from gatepass.store.tables import Row
from gatepass.web.pages.common import form_of
from gatepass.web.site import site
from gatepass.web.staff import fields
from gatepass.web.staff.asking import form_page, id_in, row_at
from gatepass.web.staff.event_form import EVENT, pass_form, question_form
from gatepass.web.staff.events import EVENTS, event_page
from gatepass.web.staff.layout import done


@dataclass(frozen=True, slots=True)
class Part:
    """One kind of part of an event: how its pages speak of it, and what they do."""

    word: str
    path: str
    form: Callable[[Row], fields.Form]
    """By the event's row."""
    kind: planning.Part
    made: str
    gone: str

    async def new_form(self, request: Request, caller: Caller) -> Response:
        """GET /staff/events/{event_id}/passes/new"""
        return await self._page(request, caller)

    async def create(self, request: Request, caller: Caller) -> Response:
        """POST /staff/events/{event_id}/passes/new"""

        def unit(tx: WriteTx, event_id: UUID, form: fields.Form, given: Mapping[str, str]) -> None:
            self.kind.add(tx, caller, event_id, fields.values(form, given))

        return await self._saved(request, caller, unit, self.made)

    async def show(self, request: Request, caller: Caller) -> Response:
        """GET /staff/events/{event_id}/passes/{pass_id}"""
        return await self._page(request, caller)

    async def change(self, request: Request, caller: Caller) -> Response:
        """POST /staff/events/{event_id}/passes/{pass_id}"""
        at = id_in(request, f"{self.word}_id")

        def unit(tx: WriteTx, event_id: UUID, form: fields.Form, given: Mapping[str, str]) -> None:
            values = fields.values(form, given)
            self.kind.change(tx, caller, event_id, at, values, fields.version_of(given))

        return await self._saved(request, caller, unit, f"The {self.word} is changed.")

    async def remove(self, request: Request, caller: Caller) -> Response:
        """POST /staff/events/{event_id}/passes/{pass_id}/remove"""
        event_id, at = id_in(request, "event_id"), id_in(request, f"{self.word}_id")
        try:
            await site(request).store.write(lambda tx: self.kind.remove(tx, caller, event_id, at))
        except GatepassError as refusal:
            return await event_page(request, caller, event_id, refusal)
        return done(request, f"{EVENTS}/{event_id}", self.gone)

    async def _saved(
        self, request: Request, caller: Caller, unit: Callable[[WriteTx, UUID, fields.Form, Mapping[str, str]], None], says: str
    ) -> Response:  # fmt: skip
        given, event_id = await form_of(request), id_in(request, "event_id")

        def save(tx: WriteTx) -> None:
            unit(tx, event_id, self.form(row_at(tx, EVENT, event_id)), given)

        try:
            await site(request).store.write(save)
        except GatepassError as refusal:
            return await self._page(request, caller, given, refusal)
        return done(request, f"{EVENTS}/{event_id}", says)

    async def _page(
        self, request: Request, caller: Caller, given: Mapping[str, str] | None = None, wrong: GatepassError | None = None
    ) -> Response:  # fmt: skip
        event_id, key = id_in(request, "event_id"), f"{self.word}_id"
        at = id_in(request, key) if key in request.path_params else None

        def look(tx: ReadTx) -> dict[str, Any]:
            event = row_at(tx, EVENT, event_id)
            form, row = self.form(event), self.kind.record(tx, event_id, at) if at else None
            shown = fields.fields(form, row or fields.blank(form), given)
            return {"owner": event, "row": row, "fields": shown, "version": row["version"] if row else ""}

        found = await site(request).store.read(look)
        context = found | {"part": self, "at": at}
        return form_page(
            request, caller, "event_part", context, wrong and fields.for_people(wrong, self.kind.table)
        )  # fmt: skip


PARTS = (
    Part(
        "pass", "passes", lambda event: pass_form(event["currency"]), planning.PASSES,
        "The pass is made.", "The pass is gone.",
    ),
    Part(
        "question", "questions", lambda _: question_form(), planning.QUESTIONS,
        "The question is asked from now on.", "The question is asked no more. Answers that were given stay.",
    ),
)  # fmt: skip
