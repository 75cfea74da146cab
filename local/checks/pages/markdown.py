"""Reads a Markdown page: the headings' anchors, the links and the code. Other modules import this file."""

import re
from collections import Counter
from collections.abc import Iterator

FENCE = re.compile(r"^ {0,3}(```+|~~~+)")
HEADING = re.compile(r"^ {0,3}#{1,6}\s+(.*?)(?:\s+#+)?\s*$")
SPAN = re.compile(r"(`+)(.+?)\1(?!`)")
LINK = re.compile(r"\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
DEFINITION = re.compile(r"^ {0,3}\[[^\]]+\]:\s*<?(\S+?)>?(?:\s|$)")


class Page:

    def __init__(self, text: str) -> None:
        self.length = len(text.splitlines())
        self.spans: list[str] = []
        self.code: list[str] = []  # the lines of code blocks; lines joined by a backslash are one entry
        self.links: list[str] = []
        self.anchors: set[str] = set()
        seen: Counter[str] = Counter()
        for line in self._prose(text):
            if heading := HEADING.match(line):
                anchor = slug(heading[1])
                self.anchors.add(f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor)
                seen[anchor] += 1
            self.spans += [span[2].strip() for span in SPAN.finditer(line)]
            words = SPAN.sub("", line)
            self.links += [*LINK.findall(words), *DEFINITION.findall(words)]

    def _prose(self, text: str) -> Iterator[str]:
        """Yields the lines outside code blocks. Adds the lines of code blocks to self.code."""
        fence, before = "", ""
        for line in text.splitlines():
            mark = FENCE.match(line.strip() if fence else line.lstrip())
            if fence:
                if mark and mark[1].startswith(fence) and line.strip() == mark[1]:
                    fence = ""
                else:
                    self._add_code(line)
            elif mark:
                fence = mark[1]
            elif line.startswith("    ") and not before:  # after an empty line or indented code
                self._add_code(line)
                continue  # without setting `before`, so that the next indented line is code too
            else:
                yield line
            before = line.strip()

    def _add_code(self, line: str) -> None:
        if self.code and self.code[-1].endswith("\\"):
            line = self.code.pop().removesuffix("\\") + line
        self.code.append(line.strip())


def slug(heading: str) -> str:
    """GitHub's anchor of a heading: the text without markup and punctuation, in lower case."""
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").replace("*", "")
    return re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
