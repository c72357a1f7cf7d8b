"""Comments, line ends, blanks and clauses that are laid over a finished text."""

from __future__ import annotations

import re

from tests.fuzz.chance import Chance
from tests.fuzz.literals import Literals

#: A text's pieces: calls of view_instance() stay whole, for the engine gets them replaced.
_PIECES = re.compile(
    r"""view_instance\('\w+',\ '\w+'\) | '(?:[^']|'')*' | "(?:[^"]|"")*" | `[^`]*` | \$\$.*?\$\$
      | --[^\n]*\n? | /\*.*?\*/ | \s+ | [^\W\d][\w$@\#]* | \d[\d.]* | \|> | :: | [<>=!|&]+ | .""",
    re.VERBOSE | re.DOTALL,
)
_PLAIN = (
    "/* note */",
    "/**/",
    "/* it's */",
    '/* a " quote */',
    "/*+ hint */",
    "/* -- */",
    "-- note\n",
    "-- note\r\n",
    "--\n",
    "-- it's\n",
    "---- /* \n",
    "/* a /* nested */ comment */",
    "/* /* */ */",
    "/*/ */",
    "/* **/",
)
# What one reader may take for code, and another for a comment; %s is a condition or a clause.
_HIDING = {
    "-- was:\r%s\n": 6,
    "-- was:\r%s\r\n": 2,
    "--\r%s\n": 2,
    "-- %s\n": 1,
    "-- %s\r\n": 1,
    "/* %s */": 1,
    "/* %s /* */ %s */": 1,
    "/* /* */ %s */": 1,
    "/*! %s */": 4,
    "/*!50000 %s */": 2,
    "/*!99999 %s */": 0.5,
    "/*M! %s */": 0.5,
    "/*+ %s */": 0.5,
    "{# %s #}": 1,
    "{{ %s }}": 0.5,
    "{%% %s %%}": 0.3,
    "# %s\n": 0.5,
    "// %s\n": 0.5,
    "-- \x0b%s\n": 0.5,
    "-- \x85%s\n": 0.5,
    "-- \u2028%s\n": 0.5,
    "-- \x0c%s\n": 0.5,
}
_HIDDEN = {
    "AND {c}": 8,
    "WHERE {c}": 3,
    "OR {c}": 2,
    "OR TRUE": 3,
    "AND TRUE": 1,
    "AND FALSE": 1,
    "ORDER BY id LIMIT 2": 2,
    "UNION ALL SELECT * FROM log_entries": 1,
    ", measures": 1,
}
_BLANKS = (
    "\t",
    "\r",
    "\r\n",
    "\n\n",
    "\x0b",
    "\x0c",
    "\u00a0",
    "\u2003",
    "\x85",
    "\u2028",
    "\u3000",
)
# Clauses that the engine's parser knows, and its planner passes by, refuses, or follows.
_CLAUSES = (
    "PREWHERE {c}",
    "SORT BY {t}",
    "CLUSTER BY {t}",
    "DISTRIBUTE BY {t}",
    "FOR UPDATE",
    "FOR SHARE",
    "FORMAT JSON",
    "SETTINGS a = 1",
    "TABLESAMPLE (10)",
    "TABLESAMPLE BERNOULLI (0)",
    "LATERAL VIEW explode(x) y AS z",
    "FOR SYSTEM_TIME AS OF '2024-01-01'",
    "WITH (NOLOCK)",
    "CONNECT BY {c}",
    "START WITH {c}",
    "|> WHERE {c}",
    "|> ORDER BY id |> LIMIT 2",
    "|> SELECT 1",
    "; ;",
    ";",
    "; SELECT 1",
    "AS OF '2024-01-01'",
    "final",
    "QUALIFY {c}",
    "WINDOW w AS (ORDER BY {t})",
    "ORDER BY id LIMIT 5",
    "ORDER BY id LIMIT 1, 5",
    "ORDER BY id FETCH FIRST ROW ONLY",
)
_AFTER_CONDITION = ("AND", "OR", "GROUP", "ORDER", "LIMIT", ")", "UNION", "EXCEPT", "HAVING", "")


def decorated(text: str, chance: Chance, literals: Literals) -> str:
    """Lay one kind of decoration, or two, over a statement."""
    kinds = {
        "comments": _comments,
        "hiding comments": _hiding,
        "odd blanks": _blanks,
        "letters' cases": _cases,
        "clauses passed by": _clauses,
    }
    for _ in range(chance.pick([1, 2], [4, 1])):
        kind = chance.pick(list(kinds), [3, 6, 1, 1, 2])
        chance.met.add(kind)
        text = kinds[kind](text, chance, literals)
    return text


def pieces(text: str) -> list[str]:
    """Cut a text into what a lexer would not cut further."""
    return _PIECES.findall(text)


def _gaps(parts: list[str]) -> list[int]:
    return [at for at, part in enumerate(parts) if part.isspace()] or [len(parts)]


def _comments(text: str, chance: Chance, literals: Literals) -> str:
    parts = pieces(text)
    for _ in range(chance.pick([1, 2, 4])):
        at = chance.pick(_gaps(parts))
        parts.insert(at, f"{chance.pick([' ', ''])}{chance.pick(_PLAIN)}")
    return "".join(parts)


def _hiding(text: str, chance: Chance, literals: Literals) -> str:
    parts = [*pieces(text), ""]
    # Behind an operand, before what may follow a condition: there a hidden one would count.
    places = [
        at
        for at, part in enumerate(parts)
        if part.upper() in _AFTER_CONDITION
        and (part == "" or parts[at - 1].isspace() or part == ")")
    ]
    for _ in range(chance.pick([1, 2], [4, 1])):
        at = chance.pick(places) if chance.often(0.85) else chance.pick(_gaps(parts))
        hidden = chance.pick(list(_HIDDEN), list(_HIDDEN.values()))
        hidden = _filled(hidden, parts, chance, literals)
        form = chance.pick(list(_HIDING), list(_HIDING.values()))
        comment = form % ((hidden,) * (form.replace("%%", "").count("%s")))
        # A comment of a line before an AND leaves that on its own.
        if comment.endswith("\n") and chance.often(0.4):
            parts.insert(max(at - 1, 0), f" {comment}")
        else:
            parts.insert(at, f" {comment} ")
    return "".join(parts)


def _filled(form: str, parts: list[str], chance: Chance, literals: Literals) -> str:
    """Put a condition on a time that the statement names into a text."""
    if "LIMIT" in form and "UNION" in parts:  # two rows may have one id, and either be the last
        return "AND TRUE"
    named = [part for part in parts if part.strip('"') in _TIMES]
    time = chance.pick(named or ["time"])
    half = chance.pick([0, 1])
    condition = f"{time} {'>=' if half else '<'} {literals.literal(half)}"
    return form.format(c=condition, t=time)


_TIMES = ("time", "insert_time", "time_bin", "begin", "begin_time", "end_time", "start_time")


def _blanks(text: str, chance: Chance, literals: Literals) -> str:
    blank = chance.pick(_BLANKS)
    share = chance.pick([0.1, 1.0])
    return "".join(
        blank if part.isspace() and chance.often(share) else part for part in pieces(text)
    )


def _cases(text: str, chance: Chance, literals: Literals) -> str:
    """Write words otherwise, which only quotes would make others."""
    change = chance.pick([str.upper, str.lower, str.swapcase, str.title])
    return "".join(
        change(part) if part.isidentifier() and part.isascii() and chance.often(0.5) else part
        for part in pieces(text)
    )


def _clauses(text: str, chance: Chance, literals: Literals) -> str:
    parts = [*pieces(text), ""]
    clause = _filled(chance.pick(_CLAUSES), parts, chance, literals)
    places = [
        at
        for at, part in enumerate(parts)
        if part.upper() in ("WHERE", "GROUP", "ORDER", "LIMIT", ")", "UNION", "")
    ]
    at = chance.pick(places) if chance.often(0.6) else len(parts) - 1
    parts.insert(at, f" {clause} ")
    return "".join(parts)
