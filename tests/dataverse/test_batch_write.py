"""The bytes of an answer: both clients read from them what was said, whatever is in the records."""

import json
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from gatepass.domain.errors import Refused
from gatepass.web.dataverse import errors
from gatepass.web.dataverse.batch.write import Answer, ChangeSetAnswer, phrase, write
from gatepass.web.dataverse.call import Reply
from tests.dataverse.clients import Read, dwa_read, sdk_read

JSON = "application/json; odata.metadata=minimal"
RECORD = "5b0c6c1e-7b51-4d0e-9f30-0a6f7d9b1c01"
CREATED = Reply(204, {"OData-EntityId": f"https://ev.example/api/data/v9.2/contacts({RECORD})"})


def test_golden_bytes() -> None:
    names = iter(["1", "2"])
    changes = ChangeSetAnswer([Answer(CREATED, "1"), Answer(Reply(204), "2")])
    read = Answer(Reply(200, {"Content-Type": JSON}, '{"a":"ö"}'.encode()))

    kind, body = write([changes, read], new_name=lambda: next(names))

    assert kind == "multipart/mixed; boundary=batchresponse_1"
    assert body == (
        b"--batchresponse_1\r\nContent-Type: multipart/mixed; boundary=changesetresponse_2\r\n\r\n"
        b"--changesetresponse_2\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n"
        b"Content-ID: 1\r\n\r\nHTTP/1.1 204 No Content\r\nOData-Version: 4.0\r\n"
        b"OData-EntityId: https://ev.example/api/data/v9.2/contacts(" + RECORD.encode() + b")\r\n\r\n\r\n"
        b"--changesetresponse_2\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n"
        b"Content-ID: 2\r\n\r\nHTTP/1.1 204 No Content\r\nOData-Version: 4.0\r\n\r\n\r\n"
        b"--changesetresponse_2--\r\n\r\n"
        b"--batchresponse_1\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
        b"HTTP/1.1 200 OK\r\nOData-Version: 4.0\r\nContent-Type: application/json; odata.metadata=minimal\r\n\r\n"
        b'{"a":"\\u00f6"}\r\n'
        b"--batchresponse_1--\r\n"
    )


def test_a_count_is_read_as_text() -> None:
    body = write([Answer(Reply(200, {"Content-Type": "text/plain"}, "\ufeff42".encode()))])[1]

    assert dwa_read(body) == [Read(200, None, None, "42")]


def test_a_failed_change_set_is_one_answer_with_its_content_id() -> None:
    kind, body = write([ChangeSetAnswer([Answer(errors.reply(Refused("QuerySyntax", "Syntax error {at}")), "7")])])

    error = {"error": {"code": "0x80060888", "message": "Syntax error {at}"}}
    assert sdk_read(kind, body) == [Read(400, "7", None, error)]
    assert dwa_read(body) == [Read(400, None, None, error)]


def test_no_batch_is_answered_by_an_empty_one() -> None:
    kind, body = write([])
    assert sdk_read(kind, body) == []


def test_headers_hold_no_braces_and_no_line_ends() -> None:
    body = write([Answer(Reply(204, {"Preference-Applied": 'odata.include-annotations="{\r\nä}"'}))])[1]

    assert b"{" not in body
    assert b'"%7B%0D%0A%C3%A4%7D"\r\n' in body


def test_a_phrase_is_made_of_letters() -> None:
    assert all(phrase(status).replace(" ", "").isalpha() for status in range(200, 600))


_texts = st.text(max_size=30) | st.sampled_from(
    [
        "--changesetresponse_",
        "a --batchresponse_ b",
        "\\--changesetresponse_1\\",
        "\u2028\x85\x0b",
        "}{",
        "HTTP/1.1 500 No",
    ]
)
_said = st.dictionaries(_texts, _texts, max_size=3)
_answers = st.builds(
    lambda data, content_id: Answer(Reply(200, {"Content-Type": JSON}, json.dumps(data, ensure_ascii=False).encode()), content_id),
    _said, st.sampled_from(["", "1"]),
) | st.sampled_from([Answer(CREATED), Answer(CREATED, "3"), Answer(Reply(204))])  # fmt: skip


@given(st.lists(_answers | st.lists(_answers, min_size=1, max_size=3).map(ChangeSetAnswer), min_size=1, max_size=4))
def test_both_clients_read_what_was_said(answers: list[Answer | ChangeSetAnswer]) -> None:
    kind, body = write(answers, new_name=uuid4)

    flat = [one for part in answers for one in (part.answers if isinstance(part, ChangeSetAnswer) else [part])]
    said = [json.loads(one.reply.body) if one.reply.body else None for one in flat]
    made = [RECORD if one.reply == CREATED else None for one in flat]
    assert [(one.data, one.record_id, one.content_id or "") for one in sdk_read(kind, body)] == [
        (data, record, one.content_id) for data, record, one in zip(said, made, flat, strict=True)
    ]
    assert [(one.data, one.record_id) for one in dwa_read(body)] == list(zip(said, made, strict=True))
