"""Functions of the services' query engine whose result types are right in a statement's plan.

They are those of DataFusion 54. Each was run with arguments of many types, and the planned type
compared with the type of the result (``tests/planned_types``). ``property_get`` belongs to the
services, and was recorded.
"""

from __future__ import annotations

__all__ = ["AGGREGATES", "FUNCTIONS", "ROW_BY_ROW", "UNSIGNED", "WINDOWS"]

_NAMES = """
    property_get
    abs acos acosh array_any_value array_append array_cat array_compact array_concat array_contains
    array_dims array_distance array_distinct array_element array_empty array_except array_extract
    array_has array_has_all array_has_any array_indexof array_intersect array_join array_length
    array_max array_min array_ndims array_normalize array_pop_back array_pop_front array_position
    array_positions array_prepend array_push_back array_push_front array_remove array_remove_all
    array_remove_n array_repeat array_replace array_replace_all array_replace_n array_resize
    array_reverse array_slice array_sort array_to_string array_union arrays_overlap arrays_zip
    arrow_cast arrow_try_cast arrow_typeof ascii asin asinh atan atan2 atanh bit_length btrim
    cardinality cbrt ceil char_length character_length chr coalesce concat concat_ws contains cos
    cosh cot current_date current_time current_timestamp date_bin date_format date_part date_trunc
    datepart datetrunc decode degrees digest element_at empty encode ends_with exp factorial
    find_in_set flatten floor from_unixtime gcd get_field greatest ifnull initcap instr isnan
    iszero lcm least left length levenshtein list_append list_cat list_concat list_contains
    list_dims list_distinct list_element list_empty list_except list_extract list_has list_has_all
    list_has_any list_indexof list_intersect list_join list_length list_max list_ndims
    list_pop_back list_pop_front list_position list_positions list_prepend list_push_back
    list_push_front list_remove list_remove_all list_repeat list_replace list_resize list_reverse
    list_slice list_sort list_to_string list_union ln log log10 log2 lower lpad ltrim make_array
    make_date make_list make_time map map_entries map_extract map_keys map_values md5 named_struct
    nanvl now nullif nvl nvl2 octet_length overlay pi position pow power radians random range
    regexp_count regexp_instr regexp_like regexp_match regexp_replace repeat replace reverse right
    round row rpad rtrim sha224 sha256 sha384 sha512 signum sin sinh split_part sqrt starts_with
    string_to_array string_to_list strpos struct substr substr_index substring substring_index tan
    tanh to_char to_date to_hex to_time to_timestamp to_timestamp_micros
    to_timestamp_millis to_timestamp_nanos to_timestamp_seconds to_unixtime today translate trim
    trunc upper uuid version
    generate_series unnest
"""

_AGGREGATES = """
    approx_distinct approx_median approx_percentile_cont approx_percentile_cont_with_weight
    array_agg avg bit_and bit_or bit_xor bool_and bool_or corr count covar covar_pop covar_samp
    grouping max mean median min percentile_cont quantile_cont regr_avgx regr_avgy regr_count
    regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy stddev stddev_pop stddev_samp
    string_agg sum var var_pop var_population var_samp var_sample
"""

_WINDOWS = """
    cume_dist dense_rank first_value lag last_value lead nth_value ntile percent_rank rank
    row_number
"""

#: The functions that return one value for many rows: aggregate and window functions.
AGGREGATES = frozenset(_AGGREGATES.split())
WINDOWS = frozenset(_WINDOWS.split())
FUNCTIONS = frozenset(_NAMES.split()) | AGGREGATES | WINDOWS

#: The functions that return unsigned 64-bit integers for columns of views. (So may ``sum``.)
UNSIGNED = frozenset(
    (
        *("approx_distinct", "array_dims", "array_indexof", "array_length", "array_ndims"),
        *("array_position", "array_positions", "cardinality", "dense_rank", "list_dims"),
        *("list_indexof", "list_length", "list_ndims", "list_position", "list_positions", "ntile"),
        *("rank", "regr_count", "row_number"),
    )
)

# Scalar functions of the newer services, according to their source.
_OF_SERVICES = """
    jsonb_array_length jsonb_as_f64 jsonb_as_i64 jsonb_as_string jsonb_format_json jsonb_get
    jsonb_object_keys jsonb_parse jsonb_path_query jsonb_path_query_first properties_length
    properties_to_array properties_to_dict properties_to_jsonb
"""
#: Scalar functions: the value of a row does not depend on other rows.
ROW_BY_ROW = (FUNCTIONS - AGGREGATES - WINDOWS) | frozenset(_OF_SERVICES.split())
