"""$batch: the parts in order, each GET a read, each change set one unit of work, all or nothing.

Writes that follow each other outside change sets share a transaction: one commit for many. One's refusal undoes it alone.
The first failure ends the batch, unless `Prefer: odata.continue-on-error` (dataverse-web-api.md section 5).
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import structlog

from gatepass.domain.errors import GatepassError, NotFound, Refused, Unavailable
from gatepass.services.access import Caller
from gatepass.store import ReadTx, Store, WriteTx
from gatepass.web.dataverse import errors
from gatepass.web.dataverse.batch.parse import READING, ChangeSet, Part, Request, parse
from gatepass.web.dataverse.batch.write import Answer, ChangeSetAnswer, write
from gatepass.web.dataverse.call import Call, Operation, Reply

WRITES_PER_UNIT = 100
"""Writes in one transaction, so that others get their turn in between. A change set is never cut."""

log = structlog.get_logger("gatepass.web")

Chooser = Callable[[Call], Operation]
References = Mapping[str, str]
"""Content-ID -> contacts(5b0c...), which `$1` stands for."""
Operate = Callable[[WriteTx, "Batch", Request, dict[str, str]], "Answer"]
_reference = re.compile(r"\$([A-Za-z0-9._~-]+)")
_version = re.compile(r"/v9\.\d+/\Z")


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch on its way. `root` and `caller` are those of the request that brought it."""

    store: Store
    operation_of: Chooser
    root: str
    caller: Caller
    goes_on: bool
    """After a failure."""


@dataclass(frozen=True, slots=True)
class Done:
    """What a unit of work came to: its answers, and what `$1` stands for from now on."""

    answers: Sequence[Answer | ChangeSetAnswer]
    references: References


class Undone(Exception):
    """Leaves the unit of a change set, so that the transaction is undone; carries the answer that is to be given."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.reply.status)
        self.answer = answer


async def run(store: Store, call: Call, operation_of: Chooser) -> Reply:
    """The whole batch. Raises Refused (BatchMalformed, AddressTooLong), and then nothing of it has happened."""
    parts = parse(call.headers.get("content-type", ""), call.body)
    wish = call.preferences.get("odata.continue-on-error", "false").lower()
    batch = Batch(store, operation_of, call.root, call.caller, goes_on=wish != "false")
    answers = await _answers(batch, parts)
    status = 200 if batch.goes_on or not any(map(failed, answers)) else 400
    content_type, body = write(answers)
    applied = {"Preference-Applied": "odata.continue-on-error"} if batch.goes_on else {}
    return Reply(status, {"Content-Type": content_type, **applied}, body)


async def _answers(batch: Batch, parts: Sequence[Part]) -> list[Answer | ChangeSetAnswer]:
    answers: list[Answer | ChangeSetAnswer] = []
    references: References = {}
    for unit in _units(parts):
        done = await _carefully(batch, unit, references)
        answers += done.answers
        references = done.references
        if not batch.goes_on and any(map(failed, done.answers)):
            break
    return answers


def _units(parts: Sequence[Part]) -> Iterator[ChangeSet | list[Request]]:
    """Change sets and reads alone, writes that follow each other together."""
    waiting: list[Request] = []
    for part in parts:
        writes = isinstance(part, Request) and part.method not in READING
        if waiting and (not writes or len(waiting) == WRITES_PER_UNIT):
            yield waiting
            waiting = []
        if isinstance(part, ChangeSet):
            yield part
        elif writes:
            waiting.append(part)
        else:
            yield [part]
    if waiting:
        yield waiting


async def _carefully(batch: Batch, unit: ChangeSet | list[Request], references: References) -> Done:
    """Do it. What nobody foresaw is the answer of this unit, of which nothing happened; those before it keep theirs."""
    try:
        return await _do(batch, unit, references)
    except GatepassError as error:
        reply = errors.reply(error)
    except Exception as error:  # earlier parts are done, and their answers have to be told
        reply = _unforeseen(error)
    if isinstance(unit, ChangeSet):
        return Done([ChangeSetAnswer([Answer(reply, one.content_id) for one in unit.requests[:1]])], references)
    told = unit if batch.goes_on else unit[:1]
    return Done([Answer(reply, one.content_id) for one in told], references)


async def _do(batch: Batch, unit: ChangeSet | list[Request], references: References) -> Done:
    if isinstance(unit, ChangeSet):
        try:
            return await batch.store.write(lambda tx: _all_or_nothing(tx, batch, unit, references))
        except Undone as undone:
            if undone.answer.reply.stays:
                await batch.store.write(undone.answer.reply.stays)
            return Done([ChangeSetAnswer([undone.answer])], references)
    if unit[0].method in READING:
        return await batch.store.snapshot(lambda tx: _read(tx, batch, unit[0], references))
    return await _writes(batch, unit, references)


async def _writes(batch: Batch, requests: Sequence[Request], references: References) -> Done:
    """As if none were refused, for savepoints are dear; when one is, nothing has happened yet, and it is done with them."""
    try:
        return await batch.store.write(lambda tx: _in_turn(tx, batch, requests, references, _operate))
    except Unavailable:
        raise
    except GatepassError:
        return await batch.store.write(lambda tx: _in_turn(tx, batch, requests, references, _behind_a_savepoint))


# Units of work. They may run again after a lost race, so they change nothing but the database.


def _all_or_nothing(tx: WriteTx, batch: Batch, change_set: ChangeSet, known: References) -> Done:
    answers, references = list[Answer](), dict(known)
    for request in change_set.requests:
        answer = _attempt(tx, batch, request, references)
        if failed(answer):
            raise Undone(answer)
        answers.append(answer)
    return Done([ChangeSetAnswer(answers)], references)


def _in_turn(tx: WriteTx, batch: Batch, requests: Sequence[Request], known: References, operate: Operate) -> Done:
    answers, references = list[Answer](), dict(known)
    for request in requests:
        answers.append(operate(tx, batch, request, references))
        if failed(answers[-1]) and not batch.goes_on:
            break
    return Done(answers, references)


def _behind_a_savepoint(tx: WriteTx, batch: Batch, request: Request, references: dict[str, str]) -> Answer:
    try:
        with tx.savepoint():
            return _operate(tx, batch, request, references)
    except GatepassError as error:
        return Answer(errors.reply(error), request.content_id)


def _read(tx: ReadTx, batch: Batch, request: Request, references: References) -> Done:
    return Done([_attempt(tx, batch, request, dict(references))], references)


def _attempt(tx: ReadTx, batch: Batch, request: Request, references: dict[str, str]) -> Answer:
    try:
        return _operate(tx, batch, request, references)
    except GatepassError as error:
        return Answer(errors.reply(error), request.content_id)


def _operate(tx: ReadTx, batch: Batch, request: Request, references: dict[str, str]) -> Answer:
    """Do one request; what it made goes by its Content-ID from now on. Raises GatepassError."""
    call = call_of(batch, request, references)
    operation = batch.operation_of(call)
    if operation.read:
        reply = operation.read(tx, call)
    elif operation.write and isinstance(tx, WriteTx):
        reply = operation.write(tx, call)
    else:
        raise Refused("MethodWrong", f"No HTTP resource was found that matches the request URI '{call.path[:200]}'.")
    answer = Answer(replace(reply, body=b"") if request.method == "HEAD" else reply, request.content_id)
    if request.content_id and not failed(answer) and (made := _made(call, reply)):
        references[request.content_id] = made
    return answer


# From a part to a call, and back to a reference


def call_of(batch: Batch, request: Request, references: References) -> Call:
    """The call that a part stands for. Raises NotFound for a foreign address, Refused for a reference to nothing."""
    if request.path is None:
        segment = request.address.partition("?")[0].rpartition("/")[2]
        raise NotFound("SegmentUnknown", f"Resource not found for the segment '{segment[:100]}'.")
    root = _version.sub(f"/{request.version}/", batch.root) if request.version else batch.root
    path = request.path
    if path.startswith("$"):
        path = _reference.sub(lambda found: _meant(found, references), path, count=1)
    method = "GET" if request.method == "HEAD" else request.method
    return Call(method, path, request.query, request.headers, request.body, root, batch.caller, references)


def _meant(found: re.Match[str], references: References) -> str:
    """`$metadata` and its like are no references: those are numbers, or names that were given."""
    name = found.group(1)
    if name in references:
        return references[name]
    if name[0].isdigit():
        raise Refused("ReferenceUnknown", f"Content-ID Reference: '${name[:50]}' does not exist in the batch context.")
    return found.group()


def _made(call: Call, reply: Reply) -> str | None:
    """The record that a reference to this call means: the one that was made or changed."""
    names = {name.lower(): value for name, value in reply.headers.items()}
    entity = names.get("odata-entityid") or names.get("location")
    if entity:
        return entity.removeprefix(call.root)
    return call.path if call.method == "PATCH" and "/" not in call.path else None


# Answers


def failed(answer: Answer | ChangeSetAnswer) -> bool:
    """True for a 4xx or 5xx."""
    if isinstance(answer, ChangeSetAnswer):
        return any(map(failed, answer.answers))
    return answer.reply.status >= 400


def _unforeseen(error: Exception) -> Reply:
    log.error("request.failed", route="$batch", error=type(error).__name__)
    return errors.unforeseen()
