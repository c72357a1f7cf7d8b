"""The adapter for harlequin, a SQL editor for terminals: ``harlequin -a micromegas demo:``.

Only `adapter` and `catalog_items` import harlequin. Harlequin finds the adapter by its entry point.
"""
