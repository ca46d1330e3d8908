"""From Stripe's bracket notation to a typed tree, by a table of what each call takes. What is not in the table is refused."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeGuard, cast
from urllib.parse import parse_qsl

from gatepass.sandbox.errors import invalid, missing, unknown
from gatepass.sandbox.objects import Obj

MAX_FIELDS = 1_000
MAX_DEPTH = 8
METADATA_KEYS = 50
METADATA_KEY_CHARS = 40
METADATA_VALUE_CHARS = 500
_PART = re.compile(r"\[([^\[\]]*)\]")


class Kind(Protocol):
    """One type of parameter: turns what was sent into a value, or raises Stripe's 400."""

    def read(self, value: Any, param: str) -> Any: ...


@dataclass(frozen=True, slots=True)
class Text:
    longest: int = 5_000
    empty: bool = False

    def read(self, value: Any, param: str) -> str:
        text = _plain(value, param)
        if not text and not self.empty:
            raise invalid(f"You passed an empty string for '{param}'.", param, "parameter_invalid_empty")
        if len(text) > self.longest:
            raise invalid(f"Invalid string: {text[:12]}…; must be at most {self.longest} characters", param)
        return text


@dataclass(frozen=True, slots=True)
class Url:
    def read(self, value: Any, param: str) -> str:
        text = _plain(value, param)
        if not re.match(r"https?://[^\s/]+", text):
            raise invalid("Not a valid URL", param, "url_invalid")
        return text


@dataclass(frozen=True, slots=True)
class Integer:
    least: int | None = None
    most: int | None = None

    def read(self, value: Any, param: str) -> int:
        text = _plain(value, param)
        if not re.fullmatch(r"[+-]?\d{1,18}", text):
            raise invalid(f"Invalid integer: {text}", param, "parameter_invalid_integer")
        number = int(text)
        if self.least is not None and number < self.least:
            raise invalid(
                f"This value must be greater than or equal to {self.least}.", param, "parameter_invalid_integer"
            )
        if self.most is not None and number > self.most:
            raise invalid(f"This value must be less than or equal to {self.most}.", param, "parameter_invalid_integer")
        return number


@dataclass(frozen=True, slots=True)
class Flag:
    def read(self, value: Any, param: str) -> bool:
        text = _plain(value, param)
        if text not in {"true", "false"}:
            raise invalid(f"Invalid boolean: {text}", param)
        return text == "true"


@dataclass(frozen=True, slots=True)
class OneOf:
    words: tuple[str, ...]

    def read(self, value: Any, param: str) -> str:
        text = _plain(value, param)
        if text not in self.words:
            raise invalid(f"Invalid {param}: must be one of {', '.join(self.words)}", param)
        return text


@dataclass(frozen=True, slots=True)
class Many:
    """A list: `a[0]`, `a[1]`… or `a[]`."""

    item: Kind
    most: int = 100

    def read(self, value: Any, param: str) -> list[Any]:
        if value == "":
            return []
        if not is_tree(value) or not all(k.isdigit() for k in value):
            raise invalid("Invalid array", param)
        if len(value) > self.most:
            raise invalid(f"Array {param} exceeded maximum {self.most} allowed elements.", param)
        return [self.item.read(value[k], f"{param}[{i}]") for i, k in enumerate(sorted(value, key=int))]


@dataclass(frozen=True, slots=True)
class Tree:
    members: Mapping[str, Kind]
    required: tuple[str, ...] = ()

    def read(self, value: Any, param: str = "") -> Obj:
        if not is_tree(value):
            raise invalid("Invalid object", param)
        for name in value:
            if name not in self.members:
                raise unknown(_join(param, name))
        for name in self.required:
            if name not in value:
                raise missing(_join(param, name))
        return {name: self.members[name].read(sent, _join(param, name)) for name, sent in value.items()}


@dataclass(frozen=True, slots=True)
class Metadata:
    """Up to 50 keys; a key's empty value takes it away (docs.stripe.com/api/metadata)."""

    def read(self, value: Any, param: str) -> dict[str, str]:
        if value == "":
            return {}
        if not is_tree(value):
            raise invalid("Invalid hash", param)
        if len(value) > METADATA_KEYS:
            raise invalid(f"You can specify up to {METADATA_KEYS} keys, but you have {len(value)} specified.", param)
        for key in value:
            if len(key) > METADATA_KEY_CHARS:
                message = f"Metadata keys must be at most {METADATA_KEY_CHARS} characters."
                raise invalid(message, f"{param}[{key}]")
        return {k: Text(METADATA_VALUE_CHARS, empty=True).read(v, f"{param}[{k}]") for k, v in value.items()}


@dataclass(frozen=True, slots=True)
class Either:
    """A plain value or a tree, such as `created=5` and `created[gte]=5`."""

    plain: Kind
    tree: Kind

    def read(self, value: Any, param: str) -> Any:
        return (self.plain if isinstance(value, str) else self.tree).read(value, param)


def decode(form: str) -> Obj:
    """`a[b][0]=c` becomes {"a": {"b": {"0": "c"}}}; `a[]=c` counts up. Raises on a body that no client sends."""
    tree: Obj = {}
    pairs = parse_qsl(form, keep_blank_values=True, max_num_fields=MAX_FIELDS)
    for name, value in pairs:
        _put(tree, name, value)
    return tree


def merged(old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str]:
    """Metadata after an update: new keys over old ones, empty values deleted."""
    return {key: value for key, value in {**old, **new}.items() if value}


def is_tree(value: Any) -> TypeGuard[Obj]:
    return isinstance(value, dict)


def _put(tree: Obj, name: str, value: str) -> None:
    head, rest = name.partition("[")[0], _PART.findall(name)
    if len(rest) > MAX_DEPTH:
        raise invalid("Too deeply nested", name)
    path = [head, *rest]
    for part in path[:-1]:
        node: Any = tree.setdefault(part or str(len(tree)), {})
        if not isinstance(node, dict):
            raise invalid("Invalid object", name)
        tree = cast("Obj", node)
    tree[path[-1] or str(len(tree))] = value


def _plain(value: Any, param: str) -> str:
    if not isinstance(value, str):
        raise invalid("Invalid string", param)
    return value


def _join(param: str, name: str) -> str:
    return f"{param}[{name}]" if param else name
