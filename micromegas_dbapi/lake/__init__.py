"""An embedded service: DataFusion in-process over a folder of Parquet files."""
