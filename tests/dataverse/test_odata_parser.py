"""What is written is what is read: OData text and its tree, against our own printer and against another parser."""

import time
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from odata_query import ast
from odata_query.grammar import ODataLexer, ODataParser

from gatepass.domain.errors import Refused
from gatepass.web.dataverse.odata.parser import MAX_DEPTH, parse, parse_value
from gatepass.web.dataverse.odata.tree import Binary, Call, Constant, Expression, Lambda, Negation, Path, Scalar
from tests.dataverse.effort import examples
from tests.dataverse.odata_text import expressions, without_places, written


@examples(150)
@given(expressions)
def test_an_expression_written_down_is_read_the_same(expression: Expression) -> None:
    assert without_places(parse(written(expression))) == expression


@examples(150)
@given(expressions)
def test_spaces_and_parentheses_change_nothing(expression: Expression) -> None:
    assert without_places(parse(f" ( \n( {written(expression)} )\t) ")) == expression


# Another parser, on what both can read

WORDS = st.sampled_from(["name", "price", "code", "city/name", "event/place/name"])
CONSTANTS = st.one_of(
    st.just(Constant(None)),
    st.builds(Constant, st.booleans()),
    st.builds(Constant, st.integers(-1000, 1000)),
    st.builds(Constant, st.text("ab'% é", max_size=5)),
    st.builds(Constant, st.uuids()),
    st.builds(Constant, st.dates(date(2000, 1, 1), date(2100, 1, 1))),
    st.builds(Constant, st.decimals(-1000, 1000, places=2)),
    st.builds(
        Constant,
        st.datetimes(datetime(2000, 1, 1), timezones=st.just(UTC)).map(lambda moment: moment.replace(microsecond=0)),
    ),
)
COMMON_LEAVES = st.one_of(WORDS.map(lambda word: Path(tuple(word.split("/")))), CONSTANTS)
LISTS = st.lists(CONSTANTS.map(lambda one: one.value), min_size=2, max_size=4).map(tuple)


def _common(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    operators = st.sampled_from(["or", "and", "eq", "ne", "gt", "ge", "lt", "le", "add", "sub", "mul", "div", "mod"])
    return st.one_of(
        st.builds(Binary, operators, inner, inner),
        st.builds(Binary, st.just("in"), inner, LISTS),
        st.builds(Negation, inner),
        st.builds(Call, st.sampled_from(["contains", "startswith", "concat", "indexof"]), st.tuples(inner, inner)),
        st.builds(Call, st.sampled_from(["tolower", "length", "year", "round"]), st.tuples(inner)),
        st.builds(Lambda, st.just(Path(("event", "passes"))), st.sampled_from(["any", "all"]), st.just("x"), inner),
    )


@examples(150)
@given(st.recursive(COMMON_LEAVES, _common, max_leaves=15))
def test_another_parser_reads_the_same_tree(expression: Expression) -> None:
    text = written(expression)

    theirs = ODataParser().parse(ODataLexer().tokenize(text))

    assert without_places(parse(text)) == _ours(theirs)


OPERATORS = {
    ast.Eq: "eq", ast.NotEq: "ne", ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt", ast.GtE: "ge", ast.In: "in",
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div", ast.Mod: "mod", ast.And: "and", ast.Or: "or",
    ast.Any: "any", ast.All: "all",
}  # fmt: skip


def _ours(node: Any) -> Expression:
    match node:
        case ast.Identifier() | ast.Attribute():
            return Path(_segments(node))
        case ast.Compare():
            right = (
                tuple(_scalar(one) for one in node.right.val) if isinstance(node.right, ast.List) else _ours(node.right)
            )
            return Binary(OPERATORS[type(node.comparator)], _ours(node.left), right)
        case ast.BinOp() | ast.BoolOp():
            return Binary(OPERATORS[type(node.op)], _ours(node.left), _ours(node.right))
        case ast.UnaryOp(ast.Not()):
            return Negation(_ours(node.operand))
        case ast.UnaryOp():
            return Constant(-_scalar(node.operand))
        case ast.Call():
            return Call(node.func.full_name(), tuple(_ours(one) for one in node.args))
        case ast.CollectionLambda():
            body = node.lambda_
            return Lambda(
                Path(_segments(node.owner)),
                OPERATORS[type(node.operator)],
                body.identifier.name,
                _ours(body.expression),
            )
        case _:
            return Constant(_scalar(node))


def _segments(node: Any) -> tuple[str, ...]:
    return (*_segments(node.owner), node.attr) if isinstance(node, ast.Attribute) else (node.full_name(),)


def _scalar(node: Any) -> Scalar:
    if isinstance(node, ast.UnaryOp):
        return -_scalar(node.operand)
    return Decimal(node.val) if isinstance(node, ast.Float) else node.py_val


# What is refused, and how


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("", 0),
        ("name eq", 7),
        ("name eq 'a", 8),
        ("name eq 'a' and", 15),
        ("(name eq 'a'", 12),
        ("name eq 'a')", 11),
        ("name eq #", 8),
        ("contains(name 'a')", 14),
        ("name in ('a' 'b')", 13),
        ("name eq 2026-13-01", 8),
        ("passes/some(x:x eq 1)", 7),
        ("passes/all()", 11),
        ("name name", 5),
    ],
)
def test_a_slip_is_told_with_its_position(text: str, at: int) -> None:
    with pytest.raises(Refused) as refused:
        parse(text)

    assert refused.value.code == "QuerySyntax"
    assert refused.value.message == f"Syntax error at position {at} in '{text}'."


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("(", ")"),
        ("not ", ""),
        ("not (", ")"),
        ("f(", ")"),
        ("p/any(x:", ")"),
        ("1 add (", ")"),
        ("1 or 1 and 1 eq 1 gt 1 add 1 mul (", ")"),
        ("", " add 1"),
        ("", " eq 1"),
    ],
)
def test_what_nests_too_deep_is_refused_quickly(before: str, after: str) -> None:
    begun = time.process_time()
    for levels in (MAX_DEPTH + 1, 32 * 1024 // len(before + after)):
        with pytest.raises(Refused, match=r"deeper than 100 levels|Syntax error"):
            parse(before * levels + "a" + after * levels)

    assert time.process_time() - begun < 1


def test_a_hundred_levels_are_read() -> None:
    assert parse("(" * MAX_DEPTH + "a" + ")" * MAX_DEPTH) == Path(("a",), MAX_DEPTH)


def test_a_long_chain_is_no_nesting() -> None:
    found = parse(" or ".join(f"a eq {number}" for number in range(2000)))

    for _ in range(1999):
        assert isinstance(found, Binary)
        found = found.left


@pytest.mark.parametrize(
    "text", ["a eq 9223372036854775808", "a eq 1e99999999999", "a eq " + "9" * 5000, "a eq 0." + "1" * 40]
)
def test_numbers_that_no_column_holds_are_refused(text: str) -> None:
    with pytest.raises(Refused, match="larger or finer"):
        parse(text)


@pytest.mark.parametrize("text", ["a eq '\x00'", "a eq '\ud800'", 'In(a=["\\ud800"])', 'In(a=["\\u0000"])'])
def test_characters_that_no_database_keeps_are_refused(text: str) -> None:
    with pytest.raises(Refused):
        parse(text)


def test_aliases_stand_for_literals_and_arrays_only() -> None:
    aliases = {"@a": "'it''s'", "@b": "[\"x\", 'y', 1, null]", "@c": "@c", "@d": "name eq 1"}

    assert parse("name eq @a", aliases) == parse("name eq 'it''s'")
    assert parse_value("@b", aliases) == ("x", "y", 1, None)
    for wrong in ("@c", "@d", "@e", "@b"):
        with pytest.raises(Refused):
            parse(f"name eq {wrong}", aliases)


def test_a_moment_keeps_what_was_said_of_its_zone() -> None:
    assert parse_value("2026-05-01T10:00+02:00") == parse_value("2026-05-01T08:00:00Z")
    assert parse_value("2026-05-01T10:00:00.1234567Z") != parse_value("2026-05-01T10:00:00")
