"""``python -m tools.demo``: what ``make demo`` runs."""

import os
import sys

from tools.demo.run import main

if __name__ == "__main__":
    sys.exit(main(os.environ))
