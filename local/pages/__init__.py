"""What the pages tell a reader to follow, open or run: `python -m pages`, in `make fmt`.

Exists because a page goes stale without a sound: a heading is renamed, a command loses an option, a page grows until
nobody reads it. A person runs this after a change of a page, of a heading, of the Makefile or of jwhook's options.
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
