"""An embedded service: DataFusion in-process over a folder of Parquet files."""

import sys

#: Whether other code may have started the engine's threads: see `engine_stack`. Determined here,
#: before the modules of this package import the engine.
ENGINE_WAS_IMPORTED = "datafusion" in sys.modules
