"""A claim: a sentence about the mesh, and a function that measures whether it is true."""

import dataclasses
import typing


class Refuted(Exception):
    """The claim does not hold; the message says what was seen instead."""


class CannotRun(Exception):
    """The claim cannot be tried on this machine; the message says why."""


@dataclasses.dataclass
class Claim:
    row: str
    text: str
    measure: typing.Callable
    setting: str


CLAIMS: list[Claim] = []


def claim(row, text, setting="shop"):
    """Registers a function (world) -> figure as the proof of `text`, a part of row `row` of the demo."""

    def register(function):
        CLAIMS.append(Claim(row, text, function, setting))
        return function

    return register


def hold(condition, otherwise):
    """Refutes the claim unless the condition is true."""
    if not condition:
        raise Refuted(otherwise)
