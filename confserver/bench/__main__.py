"""``python -m confserver.bench``, as scripts/bench calls it."""

from __future__ import annotations

import sys

from confserver.bench import run

if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
