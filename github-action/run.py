"""Run the action with the package of this very checkout, wherever the job's own working directory is."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from compatbuild.ci.github.action import main

if __name__ == "__main__":
    sys.exit(main())
