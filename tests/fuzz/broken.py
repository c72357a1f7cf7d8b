"""Rules of the inference, and how each is broken on purpose: ``mutations.py`` tries them.

After a change of the rules, each rule gets its entry: the module of ``micromegas_dbapi/inference``
without its suffix, a text that stands in it exactly once (`test_mutations_fit_the_source` holds it
to that), and what is put in its place: the smallest change that makes the rule wrong and leaves the
module running. Where only few statements can tell, `holding` names the construct that they have (as
``python -m tests.fuzz`` lists them), so that only such are run.
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
    """

    breaks: str
    module: str
    old: str
    new: str
    holding: str = ""
    seconds: float = 60


SCANS, OUTPUTS, PREDICATES = "scans", "outputs", "predicates"
INSTANTS, RANGE = "instants", "__init__"

MUTATIONS = [
    Mutation("LEFT ON bounds both sides", SCANS, '"LEFT": {name}', '"LEFT": {*sources, name}'),
    Mutation("RIGHT ON bounds both", SCANS, '"RIGHT": set(sources)', '"RIGHT": {*sources, name}'),
    Mutation("FULL ON bounds both sides", SCANS, '"FULL": set()', '"FULL": {*sources, name}'),
    Mutation(
        "outer conditions pass LIMIT",
        OUTPUTS,
        '_COUNTING = ("group", "having", "limit", "offset", "windows", "qualify")',
        '_COUNTING = ("group", "having", "windows", "qualify")',
    ),
    Mutation(
        "outer conditions pass windows",
        OUTPUTS,
        "return not any(item.find(exp.Window, exp.AggFunc) for item in select.expressions)",
        "return True",
    ),
    Mutation(
        "outer conditions pass the LIMIT of a UNION",
        SCANS,
        "passed = {} if limited else",
        "passed =",
    ),
    Mutation("subqueries prove nothing", SCANS, "self.query(node, ctes, {})", "pass"),
    Mutation(
        "a CTE does not hide a view", SCANS, "if not schema and table in ctes:", "if False:"
    ),
    Mutation("renamed columns keep their names", SCANS, "if source.renamed:  #", "if False:  #"),
    Mutation(
        "a column is of the first table",
        SCANS,
        "table = owners[0] if len(owners) == 1",
        "table = next(iter(sources)) if not owners",
    ),
    Mutation(
        "rounded columns pass as they are",
        SCANS,
        "{passed.column: passed.before(*lies)}",
        "{passed.column: lies}",
    ),
    Mutation("any set operation passes conditions by the first name", OUTPUTS,
             "if len(places) == 1 and all(", "if len(places) == 1 or all("),
    Mutation("OR is AND", PREDICATES, "is wanted else _hull", "is wanted else intersection"),
    Mutation("NOT changes nothing", PREDICATES, "resolve, clock, not wanted)", "resolve, clock)"),
    Mutation("one bound of BETWEEN is enough", PREDICATES, "if low and high else {}", ""),
    Mutation("NOT BETWEEN is BETWEEN", PREDICATES, "if wanted and isinstance(node, exp.Between)",
             "if isinstance(node, exp.Between)"),
    Mutation("rounding is forgotten", PREDICATES, "greatest + self.width", "greatest"),
    Mutation("mirrored operators stay", PREDICATES, "exp.LT: exp.GT,\n    exp.LTE",
             "exp.LT: exp.LT,\n    exp.LTE"),
    Mutation("a DATE's text keeps its hours", PREDICATES, "least = floor_to_day(least)", "pass"),
    Mutation("the clock's skew is forgotten", RANGE, "clock - skew)", "clock)"),
    Mutation("now() is the client's", INSTANTS, "Instant(clock(), INFINITY)",
             "Instant(clock(), clock())"),
    Mutation("TIMESTAMP(p) is TIMESTAMP", INSTANTS, " and not cast.to.expressions", ""),
    Mutation("offsets are ignored", INSTANTS, 'zone = f"{hours}:{minutes}" if hours else "+00:00"',
             'zone = "+00:00"'),
    Mutation("a month has 30 days", INSTANTS, "for days in (28, 31)", "for days in (30, 30)"),
    Mutation("truncation is forgotten", INSTANTS, "found.least - width", "found.least"),
    Mutation("a DATE moves by hours", INSTANTS, "_date(least, greatest + DAY)",
             "Instant(least, greatest)"),
    Mutation("only the first scan counts", RANGE, "min(low, bounds[0]), max(high, bounds[1])",
             "bounds[0], bounds[1]"),
    Mutation("every view's columns are in order", RANGE, "if columns.ordered:", "if True:"),
    Mutation("begin and end change their columns", RANGE, "return since[0], upto[1]",
             "return upto[0], since[1]"),
    Mutation("columns of USING have an owner", SCANS, "if not table and not merged:",
             "if not table:"),
]  # fmt: skip
