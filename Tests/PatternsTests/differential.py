#!/usr/bin/env python3
"""Writes differential.json: random expressions, random texts, and what Python's `re` says of them.

Only what means the same to Python and to RE2 is made: for Python, `$` is written `\\Z`, and `\\B` so that it
holds in an empty text; classes are of ASCII; nothing that may be empty is repeated (the two differ in what
its groups remember).

    python3 Tests/PatternsTests/differential.py
"""

import json
import pathlib
import random
import re

SEED, EXPRESSIONS, TEXTS = 20_240, 400, 6
ALPHABET = "aabbc0/-_.Z é\n"


def atom(r, depth):
    """(ours, Python's, whether it may be empty)"""
    pick = r.random()
    if pick < 0.34:
        one = re.escape(r.choice("abc0/-_.Zé"))
        return one, one, False
    if pick < 0.42:
        return ".", ".", False
    if pick < 0.52:
        one = r.choice([r"\d", r"\D", r"\w", r"\W", r"[^\d/]", r"[\w-]"])
        return one, one, False
    if pick < 0.66:
        parts = ["a", "b-c", "0-9", "/", "Z", "é", "_", "."]
        items = "".join(r.choice(parts) for _ in range(r.randint(1, 3)))
        one = f"[{r.choice(['', '^'])}{items}]"
        return one, one, False
    if pick < 0.74:
        one = r.choice([r"\b", r"\B", "^", "$", r"\A"])
        return one, {"$": r"\Z", r"\B": r"(?!\b)"}.get(one, one), True
    if depth == 0:
        return "a", "a", False
    ours, theirs, empty = choice(r, depth - 1)
    start = r.choice(["(", "(", "(?:", "(?i:"])
    return start + ours + ")", start + theirs + ")", empty


def repeated(r, depth):
    ours, theirs, empty = atom(r, depth)
    if empty or r.random() < 0.6:
        return ours, theirs, empty
    operator = r.choice(["*", "+", "?", "*?", "+?", "??", "{2}", "{1,3}", "{0,2}", "{2,}", "{1,2}?"])
    return ours + operator, theirs + operator, operator[0] in "*?" or operator.startswith("{0")


def sequence(r, depth):
    parts = [repeated(r, depth) for _ in range(r.randint(1, 4))]
    return "".join(p[0] for p in parts), "".join(p[1] for p in parts), all(p[2] for p in parts)


def choice(r, depth):
    parts = [sequence(r, depth) for _ in range(1 if r.random() < 0.7 else r.randint(2, 3))]
    return "|".join(p[0] for p in parts), "|".join(p[1] for p in parts), any(p[2] for p in parts)


def span(text, match, group):
    """In bytes of UTF-8."""
    start, end = match.span(group)
    return None if start < 0 else [len(text[:start].encode()), len(text[:end].encode())]


def main():
    r = random.Random(SEED)
    cases = []
    while len(cases) < EXPRESSIONS:
        ours, theirs, _ = choice(r, 3)
        if "(?i" in ours and "é" in ours:
            continue
        compiled = re.compile(theirs, re.ASCII)
        texts = []
        for _ in range(TEXTS):
            text = "".join(r.choice(ALPHABET) for _ in range(r.randint(0, 9)))
            found = compiled.search(text)
            spans = found and [span(text, found, g) for g in range(compiled.groups + 1)]
            texts.append({"text": text, "whole": compiled.fullmatch(text) is not None, "first": spans})
        # One whose every text matches, or none does, says little; keep some of them.
        if len({t["whole"] for t in texts}) > 1 or r.random() < 0.3:
            cases.append({"expression": ours, "texts": texts})
    path = pathlib.Path(__file__).with_name("differential.json")
    path.write_text("[\n" + ",\n".join(json.dumps(c, ensure_ascii=False) for c in cases) + "\n]\n")


main()
