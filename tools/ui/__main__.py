"""``python -m tools.ui``: what ``make ui`` runs."""

import os
import sys

from tools.ui.run import main

if __name__ == "__main__":
    sys.exit(main(os.environ))
