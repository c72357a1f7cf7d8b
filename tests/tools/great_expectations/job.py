"""Validate expectations on views and queries."""

from __future__ import annotations

import great_expectations as gx
import great_expectations.expectations as gxe

from tests.tools.job import run_page
from tests.tools.source import Source

LIMIT = "it has expectations of regular expressions only for the dialects that it knows"


def check_page() -> None:
    run_page("great_expectations")


def data_source(source: Source):
    context = gx.get_context(mode="ephemeral")
    return context.data_sources.add_sql(name="telemetry", connection_string=source.engine_url)


def check_view(source: Source) -> None:
    asset = data_source(source).add_table_asset(name="log", table_name="log_entries")
    batch = asset.add_batch_definition_whole_table("all").get_batch()
    [(rows, warnings, mean, deviation, oldest, newest)] = source.rows(
        "SELECT count(*), count(*) FILTER (WHERE level = 3), avg(level), stddev(level), "
        "min(time), max(time) FROM log_entries"
    )
    met = [
        gxe.ExpectTableRowCountToEqual(value=rows),
        gxe.ExpectTableColumnCountToEqual(value=9),
        gxe.ExpectColumnToExist(column="time"),
        gxe.ExpectColumnValuesToNotBeNull(column="msg"),
        gxe.ExpectColumnValuesToBeBetween(column="level", min_value=1, max_value=6),
        gxe.ExpectColumnValuesToBeBetween(column="time", min_value=oldest, max_value=newest),
        gxe.ExpectColumnDistinctValuesToBeInSet(column="level", value_set=[1, 2, 3, 4, 5, 6]),
        gxe.ExpectColumnMeanToBeBetween(
            column="level", min_value=mean - 1e-9, max_value=mean + 1e-9
        ),
        gxe.ExpectColumnStdevToBeBetween(
            column="level", min_value=deviation - 1e-9, max_value=deviation + 1e-9
        ),
        gxe.ExpectColumnMedianToBeBetween(column="level", min_value=4, max_value=4),
        gxe.ExpectColumnValuesToBeOfType(column="level", type_="INTEGER"),
        gxe.ExpectColumnValueLengthsToBeBetween(column="process_id", min_value=36, max_value=36),
    ]
    for expectation in met:
        result = batch.validate(expectation)
        assert result.success, result
    result = batch.validate(gxe.ExpectColumnValuesToBeInSet(column="level", value_set=[1, 2, 3]))
    assert not result.success
    assert result.result["element_count"] == rows
    result = batch.validate(gxe.ExpectColumnValuesToNotBeInSet(column="level", value_set=[3]))
    assert result.result["unexpected_count"] == warnings


def check_query(source: Source) -> None:
    asset = data_source(source).add_query_asset(
        name="levels", query="SELECT level, count(*) AS entries FROM log_entries GROUP BY level"
    )
    batch = asset.add_batch_definition_whole_table("all").get_batch()
    assert batch.validate(gxe.ExpectColumnValuesToBeUnique(column="level")).success
    total = source.value("SELECT count(*) FROM log_entries")
    expectation = gxe.ExpectColumnSumToBeBetween(column="entries", min_value=total, max_value=total)
    assert batch.validate(expectation).success


def check_days(source: Source) -> None:
    asset = data_source(source).add_table_asset(name="log", table_name="log_entries")
    days = asset.add_batch_definition_daily("days", column="time")
    expected = source.rows(
        "SELECT DISTINCT date_part('year', time), date_part('month', time), date_part('day', time) "
        "FROM log_entries ORDER BY 1, 2, 3"
    )
    found = [tuple(day.values()) for day in days.get_batch_identifiers_list()]
    assert found == expected


def check_regular_expressions(source: Source) -> None:
    asset = data_source(source).add_table_asset(name="log", table_name="log_entries")
    batch = asset.add_batch_definition_whole_table("all").get_batch()
    result = batch.validate(gxe.ExpectColumnValuesToMatchRegex(column="msg", regex="."))
    assert "Regex is not supported for dialect micromegas" in str(result.exception_info)
