"""Rules of the inference, and how each is broken on purpose: ``mutations.py`` tries them.

After a change of the rules, each rule gets its entry: the module of
``micromegas_dbapi/ranges/inference`` without its suffix, a text that stands in it exactly once
(`test_mutations_fit_the_source` holds it to that), and what is put in its place: the smallest
change that makes the rule wrong and leaves the module running. Where only few statements can tell,
`holding` names the construct that they have (as ``python -m tests.fuzz`` lists them), so that only
such are run. What two rules guard is not in the list, since neither of them is missed.
"""

from __future__ import annotations

from typing import NamedTuple


class Mutation(NamedTuple):
    """What is replaced, where, and what rule that breaks.

    Attributes
    ----------
    breaks : str
        For people.
    module : str
    old, new : str
    holding : str
        The construct of the statements that are run; all, if empty.
    seconds : float
        How long is tried, at the most; twice that where the machine is busy.
    before : int
        The first major version of DataFusion on which it changes nothing; 0 if there is none.
    """

    breaks: str
    module: str
    old: str
    new: str
    holding: str = ""
    seconds: float = 60
    before: int = 0


SCANS, JOINS, NAMES, OUTPUTS = "scans", "joins", "name_resolution", "outputs"
PUSHDOWN, SETS = "pushdown", "set_operations"
PREDICATES, INSTANTS, DURATIONS = "predicates", "instants", "durations"
TREE, RANGE, CLOCK = "syntax_tree", "__init__", "clock_reading"

MUTATIONS = [
    Mutation("LEFT ON bounds both sides", JOINS, '"left": right', '"left": left | right'),
    Mutation("RIGHT ON bounds both", JOINS, '"right": left', '"right": left | right'),
    Mutation("FULL ON bounds both sides", JOINS, '"full": frozenset[str]()',
             '"full": left | right'),
    Mutation("ON bounds what it does not see", SCANS, "if c[0] in on.bound}", "}"),
    Mutation("a CTE does not hide a view", JOINS, "if cte is not None:", "if False:",
             holding="scopes of WITH"),
    Mutation("WITH has no names with dots", JOINS, 'self._ctes.get(".".join(path))',
             "self._ctes.get(path[0]) if len(path) == 1 else None",
             holding="scopes of WITH"),
    Mutation("renamed columns keep their names", SCANS, "if source.names is not None:  #",
             "if False:  #",
             holding="names of columns"),
    Mutation("an ambiguous column is the first's", NAMES, "if len(owners) == 1:", "if owners:",
             holding="ambiguous names"),
    Mutation("a doubtful column is no other's", NAMES, "return None if inner and doubtful else",
             "return",
             holding="ambiguous names"),
    Mutation("outer conditions pass LIMIT", SCANS,
             'if query["limit_clause"] is not None or query["fetch"] is not None:', "if False:"),
    Mutation("outer conditions pass windows", PUSHDOWN,
             'return not _has_call(select["projection"], _is_window)', "return True",
             holding="bins"),
    Mutation("outer conditions pass DISTINCT ON", PUSHDOWN,
             'not in ("Distinct", "All"):', 'in ("",):',
             holding="windows"),
    Mutation("EXCEPT and REPLACE leave all in *", OUTPUTS,
             'if name.startswith("opt_")', 'if name == ""'),
    Mutation("stars of two views are the same", SETS, "len(views) == 1", "bool(views)",
             holding="scopes of WITH"),
    Mutation("BY NAME is by position", SETS,
             'value["set_quantifier"] in ("None", "All", "Distinct")', "True",
             holding="scopes of WITH"),
    Mutation("subqueries prove nothing", SCANS, "self.query(query, ctes, {}, inner=True)", "pass"),
    Mutation("rounded columns pass as they are", SCANS,
             "{passed.column: passed.unrounded(*interval)}", "{passed.column: interval}"),
    Mutation("OR is AND", PREDICATES, "is wanted else _hull", "is wanted else intersection"),
    Mutation("NOT changes nothing", PREDICATES, "resolve, clock, not wanted)",
             "resolve, clock, wanted)"),
    Mutation("NOT (BETWEEN) is BETWEEN", PREDICATES, 'if kind == "Between" and wanted and',
             'if kind == "Between" and'),
    Mutation("NOT (IN) is IN", PREDICATES, 'if kind == "InList" and wanted and',
             'if kind == "InList" and',
             holding="precedence"),
    Mutation("rounding is forgotten", PREDICATES, "greatest + self.width", "greatest"),
    Mutation("mirrored operators stay", PREDICATES, '"Eq": "Eq", "Lt": "Gt"',
             '"Eq": "Eq", "Lt": "Lt"'),
    Mutation("a DATE's text keeps its hours", PREDICATES, "least = floor_to_day(least)", "pass"),
    # DataFusion 43 and 54 cut what stands beside a coarser instant.
    Mutation("coarse instants are fine", PREDICATES, "if grain > 1:  #", "if False:  #",
             holding="precedence", seconds=240, before=55),
    Mutation("date_bin() is no rounding", PREDICATES,
             "stride[1] if stride is not None and stride[0] > 0 else None", "1",
             holding="bins"),
    Mutation("now() is the client's", INSTANTS, "Instant(clock(), INFINITY)",
             "Instant(clock(), clock())"),
    Mutation("TIMESTAMP(p) is TIMESTAMP", INSTANTS, "return digits is None and zone in",
             "return zone in",
             holding="casts to instants"),
    Mutation("offsets are ignored", INSTANTS, 'zone = f"{hours}:{minutes}" if hours else "+00:00"',
             'zone = "+00:00"'),
    Mutation("truncation is forgotten", INSTANTS, "found.least - width", "found.least"),
    Mutation("a DATE moves by hours", INSTANTS, "_date(least, greatest + DAY) if",
             "_within(least, greatest) if",
             holding="arithmetic of instants"),
    Mutation("a month has 30 days", DURATIONS, "for days in (28, 31)", "for days in (30, 30)",
             holding="arithmetic of instants"),
    Mutation("what is not read says nothing", TREE, "if strange:", "if False:",
             holding="pipes"),
    Mutation("the clock's skew is forgotten", RANGE, "else now) - skew", "else now)"),
    Mutation("an instant of before does not move", CLOCK, "return now + self._offset",
             "return self._readings.now + self._offset",
             holding="arithmetic of instants", seconds=120),
    Mutation("a day begins at any time", CLOCK, "restrict(first, first + unit)",
             "restrict(-_INFINITE[0], first + unit)", seconds=120),
    Mutation("only the first scan counts", RANGE, "min(low, bounds[0]), max(high, bounds[1])",
             "bounds[0], bounds[1]"),
    Mutation("every view's columns are in order", RANGE, "if columns.ordered:", "if True:"),
    Mutation("begin and end change their columns", RANGE, "return since[0], upto[1]",
             "return upto[0], since[1]"),
    Mutation("NULL is within any range", RANGE, "if columns.nullable and", "if False and"),
]  # fmt: skip
