"""`python -m pages`, part of `make fmt`: checks the pages' links, lengths and commands.

Run it after a change of a page, of the Makefile or of jwhook's options. A renamed heading or a removed option breaks
pages, and no other check notices.
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
