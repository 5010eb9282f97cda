"""Which of several moves of a ref came last, whatever the order in which they were heard."""

from itertools import permutations

import pytest

from slipyard.domain.ref_history import Move, RefHistory

A, B, C, D = "ABCD"


def heard(*moves: str) -> RefHistory:
    """`"AB"`: from A to B; `".A"`: A, from nowhere known. Later ones were heard later."""
    return RefHistory([Move(move[1], None if move[0] == "." else move[0]) for move in reversed(moves)])


@pytest.mark.parametrize("order", list(permutations([".A", "AB", "BC", "CD"])))
def test_in_any_order_the_last_of_a_chain_is_the_head(order: tuple[str, ...]) -> None:
    assert heard(*order).head == D


@pytest.mark.parametrize("order", list(permutations([".A", "AB", "BC"])))
def test_in_any_order_what_is_behind_the_head_is_late(order: tuple[str, ...]) -> None:
    history = RefHistory([])
    for move in order:
        commit, previous = move[1], None if move[0] == "." else move[0]
        known_newer = [
            each.commit for each in history.moves if commit in history.with_move(commit, previous).behind(each.commit)
        ]
        assert history.is_late(commit, previous) == bool(known_newer)
        history = RefHistory([Move(commit, previous), *history.moves])


def test_nothing_is_late_where_nothing_was_decided() -> None:
    assert RefHistory([]).head is None
    assert not RefHistory([]).is_late(A, None)


def test_a_ref_that_is_moved_back_is_not_late_and_its_old_message_is() -> None:
    history = heard(".A", "AB", "BC")

    assert not history.is_late(B, C)
    assert history.is_late(B, A)
    assert history.is_late(A, None)


def test_a_ref_that_went_back_and_goes_the_same_way_again() -> None:
    history = heard(".A", "AB", "BC", "CA")

    assert history.head == A
    assert not history.is_late(B, A)
    assert heard(".A", "AB", "BC", "CA", "AB").head == B


def test_moves_that_a_rule_passed_over_are_where_the_ref_stood() -> None:
    passed = [Move(D, C, decided=False, passed_over=True), Move(C, B, decided=False, passed_over=True)]
    history = RefHistory([*passed, Move(B, A), Move(A, None)])

    assert history.head == B
    assert not history.is_late(A, D)
    assert history.is_late(A, None)


def test_a_move_to_an_unknown_commit_is_not_late() -> None:
    assert not heard(".A", "AB").is_late(D, C)
