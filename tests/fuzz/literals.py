"""Instants as statements spell them: the usual ways, and those that engines differ about."""

from __future__ import annotations

from datetime import datetime, timedelta

from tests.fuzz.chance import Chance
from tests.fuzz.data import DAY, DOMAIN, HOUR, SECOND

UNITS = ("minute", "hour", "day", "week", "month")
_STEPS = ("1 hour", "2 days", "1 month", "1 day 6 hours", "-3 hours", "1 year", "90 minutes")
#: How a literal is written, and how often.
_USUAL = {
    "'{text}'": 9,
    "TIMESTAMP '{text}'": 6,
    "CAST('{text}' AS TIMESTAMP)": 3,
    "'{text}'::timestamp": 1,
    "'{text}'::timestamptz": 1,
    "to_timestamp('{text}')": 1,
    "to_timestamp_nanos('{text}')": 0.6,
    "to_timestamp_seconds({seconds})": 1.2,
    "arrow_cast('{text}', 'Timestamp(Nanosecond, None)')": 0.8,
    "arrow_cast('{text}', 'Timestamp(Second, None)')": 0.8,
    "TIMESTAMP '{text}' {sign} INTERVAL '{step}'": 1.2,
    "date_trunc('{unit}', TIMESTAMP '{text}')": 1.2,
    "CAST('{text}' AS TIMESTAMP({digits}))": 1.6,
    "DATE '{day}'": 1,
    "'{day}'": 1.5,
    "CAST('{day}' AS DATE)": 0.6,
    "'{text}'::date": 0.6,
    "DATE '{day}' {sign} INTERVAL '{step}'": 0.8,
}
_NUMBERS = (
    "to_timestamp({seconds})",
    "to_timestamp({seconds}.5)",
    "to_timestamp_seconds({seconds})",
    "to_timestamp_millis({seconds}123)",
    "to_timestamp_micros({seconds}123456)",
    "to_timestamp_nanos({ns})",
    "from_unixtime({seconds})",
    "to_timestamp_seconds('{text}')",
    "to_timestamp_millis('{text}')",
    "to_timestamp_seconds({seconds} + 3600)",
    "to_timestamp_seconds(-{seconds})",
    "to_timestamp_millis(- -{seconds}000)",
    "to_timestamp_seconds({seconds}::bigint)",
    "arrow_cast({seconds}, 'Timestamp(Second, None)')",
    "arrow_cast({seconds}123, 'Timestamp(Millisecond, Some(\"+00:00\"))')",
)
_CASTS = (
    "'{text}'::timestamp({digits})",
    "CAST('{text}' AS TIMESTAMP(9))",
    "TIMESTAMP(3) '{text}'",
    "TRY_CAST('{text}' AS TIMESTAMP)",
    "TIMESTAMP WITH TIME ZONE '{text}'",
    "CAST('{text}' AS TIMESTAMP WITH TIME ZONE)",
    "CAST('{text}' AS TIMESTAMP WITHOUT TIME ZONE)",
    "CAST(CAST('{text}' AS DATE) AS TIMESTAMP)",
    "CAST('{text}'::timestamp(0) AS TIMESTAMP)",
    "('{text}'::timestamp)::date",
    "'{text}'::timestamp::date::timestamp",
    "'{text}'::varchar::timestamp",
    "arrow_cast('{text}', 'Timestamp(Nanosecond, Some(\"+02:00\"))')",
    "arrow_cast('{text}', 'Timestamp(Millisecond, Some(\"UTC\"))')",
    "arrow_cast('{day}', 'Date32')",
    "arrow_cast('{day}', 'Date64')",
    "TIMESTAMP '{text}' AT TIME ZONE '+02:00'",
    "TIMESTAMP '{text}' AT TIME ZONE 'UTC'",
    "to_date('{day}')",
    "make_date({year}, 1, 3)",
    "{{ts '{text}'}}",
    "{{d '{day}'}}",
)
_SPELLINGS = (
    "'{text} '",
    "' {text}'",
    "'{plain} +02:00'",
    "'{plain} America/New_York'",
    "'{plain} UTC'",
    "'{plain}z'",
    "'{plain}.1234567891'",
    "'{plain}.5'",
    "'{plain}.'",
    "'{plain}+0230'",
    "'{day}t03:04:05'",
    "'{day} 03:04:60'",
    "'{day} 03:04'",
    "'{day}T24:00:00'",
    "'{day}Z'",
    "'+{plain}'",
    "E'{text}'",
    "$${text}$$",
    "X'00'",
    "N'{text}'",
    "('{text}')",
    "(('{text}'))",
    "CONCAT('{day}', ' 01:00:00')",
    "'{day}' || ' 01:00:00'",
)
_ARITHMETIC = (
    "DATE '{day}' - 7",
    "DATE '{day}' + 1",
    "DATE '{day}' + INTERVAL '36 hours'",
    "DATE '{day}' - INTERVAL '1 hour'",
    "TIMESTAMP '{text}' - '1 hour'::interval",
    "TIMESTAMP '{text}' - CAST('1 day' AS INTERVAL)",
    "TIMESTAMP '{text}' + INTERVAL 1 DAY",
    "TIMESTAMP '{text}' + INTERVAL '1' DAY",
    "TIMESTAMP '{text}' + INTERVAL '1.5 hours'",
    "TIMESTAMP '{text}' + INTERVAL '1 hour' + INTERVAL '1 day'",
    "TIMESTAMP '{text}' - (INTERVAL '1 hour' + INTERVAL '1 day')",
    "INTERVAL '1 day' + TIMESTAMP '{text}'",
    "TIMESTAMP '{text}' - - INTERVAL '1 hour'",
    "TIMESTAMP '{text}' + -INTERVAL '1 day'",
    "TIMESTAMP '{text}' - INTERVAL '-1 day'",
    "TIMESTAMP '{text}' - INTERVAL '1 month' - INTERVAL '1 month'",
    "TIMESTAMP '{text}' + INTERVAL '1 month 40 days'",
    "TIMESTAMP '2024-02-03' - INTERVAL '1 month'",
    "TIMESTAMP '2023-12-04 12:00:00' + INTERVAL '1 month'",
    "(TIMESTAMP '{text}' - INTERVAL '1 week')::date",
    "date_bin(INTERVAL '1 day', TIMESTAMP '{text}')",
    "date_bin('6 hours'::interval, TIMESTAMP '{text}', TIMESTAMP '2024-01-01 01:00:00')",
    "date_trunc('quarter', TIMESTAMP '{text}')",
    "date_trunc('day', '{text}'::timestamp - INTERVAL '1 day')",
    "date_trunc('DAY', '{text}')",
    "greatest(TIMESTAMP '{text}', TIMESTAMP '2024-01-02')",
    "coalesce(NULL, TIMESTAMP '{text}')",
    "CASE WHEN TRUE THEN TIMESTAMP '{text}' END",
    "nullif(TIMESTAMP '{text}', TIMESTAMP '2024-01-02')",
)
_FAR = (
    "'2500-01-01'",
    "'1600-01-01 00:00:00'",
    "DATE '2400-01-01'",
    "DATE '1600-01-01'",
    "DATE '9999-12-31'",
    "CAST('2262-04-12' AS DATE)",
    "DATE '2262-01-01' + INTERVAL '1 year'",
    "DATE '2026-01-01' + INTERVAL '300 years'",
    "DATE '2026-01-01' - INTERVAL '400 years'",
    "DATE '2024-01-01' + 100000",
    "TIMESTAMP '2024-01-01' + INTERVAL '200 years'",
    "TIMESTAMP '2262-04-11 23:47:16.854775807'",
    "TIMESTAMP '1677-09-21 00:12:44'",
    "TIMESTAMP '2262-04-11 00:00:00' + INTERVAL '2 days'",
    "'2262-04-11T23:47:17Z'",
    "to_timestamp_seconds(99999999999)",
    "to_timestamp_seconds(9999999999)",
    "to_timestamp_seconds(-9999999999)",
    "to_timestamp_millis(-9999999999999)",
    "CAST('2500-01-01' AS TIMESTAMP(0))",
    "CAST('0001-01-01' AS TIMESTAMP(3))",
    "arrow_cast('2600-01-01', 'Timestamp(Second, None)')",
    "arrow_cast('2600-01-01', 'Date64')",
    "now() + INTERVAL '300 years'",
    "current_date + INTERVAL '300 years'",
    "NULL",
    "CAST(NULL AS TIMESTAMP)",
)
_CLOCKS = (
    "{now}",
    "{now} - INTERVAL '{n} hour'",
    "{now} - interval '{n}0' minute",
    "({now} - INTERVAL '{n} day')",
    "{now} + interval '1 hour'",
    "current_date",
    "current_date - interval '2 days'",
    "date_trunc('day', {now})",
    "CAST({now} AS timestamp) - interval '1 day 2 hours'",
)
_STRANGE_CLOCKS = (
    "current_date - {n}",
    "current_date + 1",
    "today()",
    "{now} - '{n} hour'::interval",
    "{now} - INTERVAL {n} HOUR",
    "{now}::date",
    "{now}::timestamp(0)",
    "date_bin(INTERVAL '1 hour', {now})",
    "current_timestamp()",
    "CURRENT_DATE()",
    "localtimestamp",
    "{{fn now()}}",
    "({now} AT TIME ZONE 'UTC') - INTERVAL '1 hour'",
    "date_trunc('hour', {now}) - INTERVAL '1 day' + INTERVAL '1 hour'",
)
_KINDS = {
    "numbers as instants": _NUMBERS,
    "casts to instants": _CASTS,
    "spellings of instants": _SPELLINGS,
    "arithmetic of instants": _ARITHMETIC,
    "far years": _FAR,
}


class Literals:
    """Makes what columns of time are compared with.

    Parameters
    ----------
    chance : Chance
    strangeness : float
        How often one is spelt in an unusual way.
    """

    def __init__(self, chance: Chance, strangeness: float) -> None:
        self._chance = chance
        self._strangeness = strangeness

    def literal(self, half: int | None = None) -> str:
        """Make one, in the first or the second half of the days that rows lie in, or anywhere."""
        chance = self._chance
        now = chance.pick(["now()", "current_timestamp", "NOW()"])
        if chance.often(0.12):
            if chance.strange("strange clocks", self._strangeness):
                return chance.pick(_STRANGE_CLOCKS).format(now=now, n=chance.pick([1, 2, 5]))
            return chance.pick(_CLOCKS).format(now=now, n=chance.pick([1, 2, 5]))
        ns = self._instant(half)
        if chance.often(self._strangeness):
            kind = chance.pick(list(_KINDS), [3, 3, 2, 4, 2])
            form = chance.choose(kind, _KINDS[kind])
        else:
            form = chance.pick(list(_USUAL), list(_USUAL.values()))
        time = datetime(1970, 1, 1) + timedelta(seconds=ns // SECOND)
        return form.format(
            text=self._spelt(ns),
            plain=f"{time:%Y-%m-%d %H:%M:%S}",
            day=f"{time:%Y-%m-%d}",
            year=time.year,
            seconds=ns // SECOND,
            ns=ns,
            sign=chance.pick("+-"),
            step=chance.pick(_STEPS),
            unit=chance.pick(UNITS),
            digits=chance.pick("036"),
        )

    def _instant(self, half: int | None) -> int:
        chance = self._chance
        if half != 1 and chance.often(0.1):
            return chance.pick([0, 1, -1, -DAY, -DAY - 1])
        domain = DOMAIN if half is None else DOMAIN[:10] if half == 0 else DOMAIN[12:]
        return chance.pick(domain) + chance.pick([0, 0, 0, 0, 1, -1, HOUR])

    def _spelt(self, ns: int) -> str:
        chance = self._chance
        seconds, fraction = divmod(ns, SECOND)
        zone = chance.pick(["", "", "", "Z", "+00:00", "+02:00", "-0530", "+01"])
        shift = {"+02:00": 2, "-0530": -5.5, "+01": 1}.get(zone, 0)
        time = datetime(1970, 1, 1) + timedelta(seconds=seconds, hours=shift)
        text = time.strftime(f"%Y-%m-%d{chance.pick(' T')}%H:%M:%S")
        if fraction % 1000 or (fraction and chance.often(0.5)):
            text += f".{fraction:09d}"
        elif fraction or chance.often(0.2):
            text += f".{fraction // 1000:06d}"
        return text + zone
