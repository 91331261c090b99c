"""Write the golden lines that are missing."""

import sys

from tests.history import write_missing

for path in write_missing():
    sys.stdout.write(f"{path.name}\n")
