#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# usage: commands.py FILE…
#
# Prints the commands of pages in Markdown and reStructuredText, without their comments: lines of code blocks without a language,
# and literals in the text.

import re
import sys
from pathlib import Path

COMMAND = r'(?:[A-Z_]+=(?:"[^"\n]*"|\S+) )*(?:make|insmod|rmmod|apt-get|dnf|pacman|cp|git|du|time|scripts/\S+) [^`\n]*[^`\s]'


def lines(path):
    """The lines of code blocks."""
    language = None
    for line in path.read_text(encoding="utf-8").split("\n"):
        if path.suffix == ".rst":
            if line.startswith("    "):
                yield line[4:]
        elif line.startswith("```"):
            language = line[3:] or "none" if language is None else None
        elif language == "none":
            yield line


def literals(path):
    """The literals in the text, which may be broken."""
    text = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)
    for literal in re.findall(r"(?<!`)``?([^`]+)``?(?!`)", text):
        yield re.sub(r"\s+", " ", literal)


found = {}
for name in map(Path, sys.argv[1:]):
    for text in [*lines(name), *(text for text in literals(name) if text != "make")]:
        if re.match(f"make$|{COMMAND}", text):
            found[re.sub(r"\s+#.*", "", text).strip()] = None
print("\n".join(found))
