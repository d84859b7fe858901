"""The room of the example is found as an installed package is."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
