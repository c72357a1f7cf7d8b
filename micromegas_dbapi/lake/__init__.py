"""The embedded engine: DataFusion in process, over a folder of Parquet, behaving as a service."""
