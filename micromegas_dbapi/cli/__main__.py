"""Run ``micromegas-sql`` as ``python -m micromegas_dbapi.cli``."""

import sys

from micromegas_dbapi.cli import main

sys.exit(main())
