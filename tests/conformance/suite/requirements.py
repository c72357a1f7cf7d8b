"""What the suite may ask of the engine; each requirement that is closed has its reason here."""

from __future__ import annotations

from typing import Any

import sqlalchemy
from sqlalchemy.testing import exclusions
from sqlalchemy.testing.requirements import SuiteRequirements

#: Reason -> the requirements that it closes.
CLOSED: dict[str, list[str]] = {
    "DataFusion has no temporary tables or views": [
        "temporary_tables",
        "temp_table_reflection",
        "temp_table_names",
        "temporary_views",
        "create_temp_table_as",
        "has_temp_table",
        "temp_table_reflect_indexes",
    ],
    "keys are logical, from the catalog: those of other tables are neither kept nor reflected": [
        "foreign_keys",
        "foreign_key_constraint_reflection",
        "self_referential_foreign_keys",
        "primary_key_constraint_reflection",
        "cross_schema_fk_reflection",
        "reflects_pk_names",
        "implicitly_named_constraints",
        "inline_check_constraint_reflection",
        "foreign_key_constraint_option_reflection_ondelete",
        "foreign_key_constraint_option_reflection_onupdate",
        "fk_constraint_option_reflection_ondelete_restrict",
        "fk_constraint_option_reflection_ondelete_noaction",
        "fk_constraint_option_reflection_onupdate_restrict",
    ],
    "DataFusion has no indexes, and does not enforce or show constraints": [
        "index_reflection",
        "unique_constraint_reflection",
        "check_constraint_reflection",
        "duplicate_key_raises_integrity_error",
        "index_ddl_if_exists",
        "reflect_indexes_with_ascdesc",
        "reflect_indexes_with_expressions",
        "unique_index_reflect_as_unique_constraints",
        "indexes_with_expressions",
        "unique_constraints_reflect_as_index",
        "indexes_check_column_order",
        "index_reflects_included_columns",
    ],
    "the engine keeps no comments: those of Micromegas are the catalog's": [
        "comment_reflection",
        "comment_reflection_full_unicode",
        "constraint_comment_reflection",
    ],
    "DataFusion generates no keys": [
        "autoincrement_insert",
        "autoincrement_without_sequence",
        "identity_columns",
        "computed_columns",
        "dbapi_lastrowid",
        "empty_inserts",
        "sequences",
        "insert_from_select",
        "insert_order_dicts",
        "emulated_lastrowid",
        "implements_get_lastrowid",
        "identity_columns_standard",
        "server_defaults",
        "expression_server_defaults",
        "insert_executemany_returning",
        "insertmanyvalues",
        "provisioned_upsert",
    ],
    "DataFusion refuses two columns of one name in a SELECT": [
        "duplicate_names_in_cursor_description",
    ],
    "a read-only service has no transactions": [
        "savepoints",
        "two_phase_transactions",
        "isolation_level",
        "autocommit",
        "get_isolation_level_values",
        "dialect_level_isolation_level_param",
        "skip_autocommit_rollback",
    ],
    "the engine has no FETCH with PERCENT or TIES": [
        "fetch_percent",
        "fetch_ties",
        "fetch_offset_with_options",
    ],
    "JSON is text to the engine, without operators": ["json_type"],
    "the engine has no RETURNING": [
        "insert_returning",
        "update_returning",
        "delete_returning",
        "returning",
        "fetch_rows_post_commit",
    ],
    "the engine has no materialized views": ["materialized_views"],
    "the engine compares text by its bytes": [
        "collate",
        "order_by_collation",
        "column_collation_reflection",
    ],
    "results stream, so that a count is not known before the end": [
        "sane_rowcount",
        "sane_multi_rowcount",
        "sane_rowcount_w_returning",
    ],
    "timestamps count nanoseconds, and reach from 1677 to 2262": ["datetime_historic"],
    "decimals have up to 38 digits, and a quotient needs more": [
        "precision_numerics_many_significant_digits",
    ],
    "the tests of RANGE expect rows in an order that they do not ask for": [
        "window_range",
        "window_range_numeric",
    ],
    "DataFusion has no UPDATE .. FROM": ["update_from"],
    "a decimal has the scale of its column, and no more": [
        "precision_numerics_retains_significant_digits",
    ],
    "the engine has no time of day with a zone": ["time_timezone"],
    "DataFusion has no WITH before INSERT, UPDATE and DELETE": [
        "ctes_on_dml",
        "ctes_with_update_delete",
    ],
    "the dialect speaks of one catalog and schema by default": [
        "default_schema_name_switch",
        "schema_create_delete",
    ],
    "the engine has no ALTER TABLE": ["alter_table", "table_rename"],
}

#: What stock SQLAlchemy leaves closed and the engine has.
OPEN = [
    "schemas",
    "schema_reflection",
    "views",
    "view_reflection",
    "view_column_reflection",
    "reflect_table_options",
    "ctes",
    "window_functions",
    "window_range_non_numeric",
    "ctes_with_values",
    "create_or_replace_view",
    "intersect",
    "except_",
    "bound_limit_offset",
    "fetch_first",
    "fetch_expression",
    "fetch_no_order_by",
    "fetch_null_from_numeric",
    "regexp_match",
    "regexp_replace",
    "supports_is_distinct_from",
    "table_value_constructor",
    "tuple_in",
    "parens_in_union_selects_w_limit_offset",
    "parens_in_union_selects_wo_limit_offset",
    "datetime_interval",
    "datetime_literals",
    "datetime_microseconds",
    "timestamp_microseconds",
    "time_microseconds",
    "datetime_timezone",
    "precision_numerics_general",
    "precision_numerics_enotation_small",
    "infinity_floats",
    "array_type",
    "uuid_data_type",
    "binary_literals",
    "supports_bitwise_or",
    "supports_bitwise_and",
    "supports_bitwise_not",
    "supports_bitwise_xor",
    "supports_bitwise_shift",
    "unusual_column_name_characters",
    "nullsordering",
    "try_cast",
    "delete_from",
    "create_table_as",
    "date_historic",
    "unicode_ddl",
    "percent_schema_names",
    "precision_numerics_enotation_large",
    "table_ddl_if_exists",
    "offset",
    "sql_expression_limit_offset",
    "standard_cursor_sql",
]


def _closed(reason: str) -> Any:
    return property(lambda self: exclusions.skip_if(lambda config: True, reason))


def _open() -> Any:
    return property(lambda self: exclusions.open())


# The suite of 1.4 asks for less of these two: its years and its digits are ones the engine has.
OF_1_4 = ["datetime_historic", "precision_numerics_many_significant_digits"]

_KNOWN = set(dir(SuiteRequirements))
Requirements = type(
    "Requirements",
    (SuiteRequirements,),
    {
        **{name: _open() for name in OPEN if name in _KNOWN},
        **{
            name: _closed(reason)
            for reason, names in CLOSED.items()
            for name in names
            if name in _KNOWN
        },
        **({name: _open() for name in OF_1_4} if sqlalchemy.__version__ < "2" else {}),
    },
)
