"""``python -m aim_jupyter`` is ``aim-engine``."""

import sys

from aim_jupyter.cli import main

sys.exit(main())
