"""Ticket codes as QR symbols."""

import pytest

from gatepass.web.pages import qr

# What segno 1.6 draws for the same text, version 1-M, mask 0.
DRAWN = """
#######..##...#######
#.....#.###.#.#.....#
#.###.#...###.#.###.#
#.###.#...#.#.#.###.#
#.###.#.###.#.#.###.#
#.....#..###..#.....#
#######.#.#.#.#######
.........#.#.........
#.#.#.#..##.#...#..#.
######.#..##..####.##
.###..#####.....###.#
.#.###.###......###.#
#.....#...#.#..#....#
........###..##...###
#######..##...#..###.
#.....#..#.##.###.#..
#.###.#.#####....##..
#.###.#..###...#...#.
#.###.#.##...#.##.#.#
#.....#..#.#.##..####
#######.#..##.....#.#
"""


def test_a_ticket_code_is_drawn_as_another_program_draws_it() -> None:
    modules = qr.symbol("ZB4Y-T6RE-8BCT-K2F6")

    rows = ["".join("#" if modules[row, column] else "." for column in range(qr.SIZE)) for row in range(qr.SIZE)]
    assert rows == DRAWN.split()


def test_the_path_names_every_dark_module_once() -> None:
    assert qr.path("ZB4Y-T6RE-8BCT-K2F6").count("M") == DRAWN.count("#")


@pytest.mark.parametrize("text", ["", "A" * 21, "lower"])
def test_what_does_not_fit_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        qr.path(text)
