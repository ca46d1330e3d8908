"""A ticket code as a QR symbol of version 1, error correction M (ISO/IEC 18004): 20 letters and digits fit, drawn as one path.

One size and one mask are enough for ticket codes, so nothing here chooses.
"""

from collections.abc import Iterator, Sequence

SIZE = 21
"""Modules per side."""
MOST_CHARS = 20
_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_DATA_BYTES, _CHECK_BYTES = 16, 10
# Correction level M with mask 0, already protected: bits 14 to 0.
_FORMAT = 0b101010000010010
_FINDER = ("1111111", "1000001", "1011101", "1011101", "1011101", "1000001", "1111111")

Modules = dict[tuple[int, int], bool]
"""(row, column) -> dark."""


def path(text: str) -> str:
    """The dark modules as an SVG path of horizontal strokes; raises ValueError for what does not fit."""
    modules = symbol(text)
    return "".join(f"M{column} {row + 0.5}h1" for row in range(SIZE) for column in range(SIZE) if modules[row, column])


def symbol(text: str) -> Modules:
    """Every module of the symbol."""
    if not 0 < len(text) <= MOST_CHARS:
        raise ValueError(f"a QR symbol of version 1 holds 1 to {MOST_CHARS} characters")
    data = _data(text)
    modules = _fixed()
    bits = (byte >> shift & 1 for byte in [*data, *_check(data)] for shift in range(7, -1, -1))
    for (row, column), bit in zip(_free(modules), bits, strict=True):
        modules[row, column] = bool(bit) is not ((row + column) % 2 == 0)
    return modules


def _data(text: str) -> list[int]:
    """Mode, count and pairs of characters as bits, filled up to the size of the symbol."""
    values = [_LETTERS.index(char) for char in text]
    bits = f"0010{len(values):09b}"
    for first, second in zip(values[::2], values[1::2], strict=False):
        bits += f"{first * 45 + second:011b}"
    if len(values) % 2:
        bits += f"{values[-1]:06b}"
    bits += "0" * min(4, _DATA_BYTES * 8 - len(bits))
    bits += "0" * (-len(bits) % 8)
    data = [int(bits[at : at + 8], 2) for at in range(0, len(bits), 8)]
    return (data + [0xEC, 0x11] * _DATA_BYTES)[:_DATA_BYTES]


def _check(data: Sequence[int]) -> list[int]:
    """The Reed-Solomon remainder: division by the product of (x - 2^i) in the field of 256 elements."""
    divisor = [1]
    root = 1
    for _ in range(_CHECK_BYTES):
        divisor = [a ^ _times(b, root) for a, b in zip([*divisor, 0], [0, *divisor], strict=True)]
        root = _times(root, 2)
    rest = [*data, *[0] * _CHECK_BYTES]
    for at in range(len(data)):
        factor = rest[at]
        for offset, part in enumerate(divisor):
            rest[at + offset] ^= _times(part, factor)
    return rest[len(data) :]


def _times(a: int, b: int) -> int:
    product = 0
    while b:
        product ^= a if b & 1 else 0
        a = a << 1 ^ (0x11D if a & 0x80 else 0)
        b >>= 1
    return product


def _fixed() -> Modules:
    """Finders with their margins, timing, format and the dark module: everything that is not data."""
    modules: Modules = {}
    for top, left in ((0, 0), (0, SIZE - 7), (SIZE - 7, 0)):
        for row in range(max(top - 1, 0), min(top + 8, SIZE)):
            for column in range(max(left - 1, 0), min(left + 8, SIZE)):
                inside = 0 <= row - top < 7 and 0 <= column - left < 7
                modules[row, column] = inside and _FINDER[row - top][column - left] == "1"
    for at in range(8, SIZE - 8):
        modules[6, at] = modules[at, 6] = at % 2 == 0
    modules |= dict(_format())
    modules[SIZE - 8, 8] = True
    return modules


def _format() -> Iterator[tuple[tuple[int, int], bool]]:
    """Both copies of the format bits, the lowest bit first."""
    beside = [0, 1, 2, 3, 4, 5, 7, 8]
    for bit in range(15):
        dark = bool(_FORMAT >> bit & 1)
        yield ((beside[bit], 8) if bit < 8 else (8, [7, 5, 4, 3, 2, 1, 0][bit - 8])), dark
        yield ((8, SIZE - 1 - bit) if bit < 8 else (SIZE - 15 + bit, 8)), dark


def _free(fixed: Modules) -> list[tuple[int, int]]:
    """Where data goes: pairs of columns from the right, upwards and downwards in turn, around what is fixed."""
    taken, places, upwards = set(fixed), list[tuple[int, int]](), True
    for right in (20, 18, 16, 14, 12, 10, 8, 5, 3, 1):
        rows = range(SIZE - 1, -1, -1) if upwards else range(SIZE)
        places += [(row, column) for row in rows for column in (right, right - 1) if (row, column) not in taken]
        upwards = not upwards
    return places
