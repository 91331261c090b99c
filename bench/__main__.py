"""``python -m bench``: see `bench.running`."""

from __future__ import annotations

import sys

from bench.running import main

sys.exit(main())
