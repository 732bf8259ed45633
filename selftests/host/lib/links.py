#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# usage: links.py KERNEL-SOURCE	(after scripts/doc)
#
# Names the dead links of the documentation that scripts/doc has made and of the checkout's Markdown: files and anchors that
# are not there, files that the kernel's source does not have, and links to elsewhere that the list below does not have.

import re
import sys
from pathlib import Path
from urllib.parse import unquote

TOP = Path(__file__).resolve().parents[3]
HTML = TOP / "build/doc/html"
KERNEL = Path(sys.argv[1])
SOURCE = "https://git.kernel.org/pub/scm/linux/kernel/git/stable/linux.git/tree/"
ELSEWHERE = (
    "https://rust.docs.kernel.org/",
    "https://doc.rust-lang.org/",
    # What the documentation of `core` leads to.
    "https://en.wikipedia.org/", "https://github.com/Voultapher/sort-research-rs/",
    # The theme's footer.
    "https://www.sphinx-doc.org/", "https://github.com/pradyunsg/furo", "https://pradyunsg.me",
)
LINK = re.compile(r"""<(?:a|link|img|script|iframe)\b[^>]*?\s(?:href|src)=(?:"([^"]*)"|'([^']*)'|([^\s>]+))""")
ANCHOR = re.compile(r"""\sid=(?:"([^"]*)"|'([^']*)'|([^\s>]+))""")
# The script of rustdoc's pages makes links of its own, and asks for lists that not every page has.
SCRIPT = re.compile(r"<script\b[^>]*(?:trait|type)\.impl[^>]*>|(<script\b[^>]*>).*?</script>", re.DOTALL)
MARKDOWN = re.compile(r"\]\(([^)\s]+)\)")

anchors = {}


def anchors_of(page):
    if page not in anchors:
        found = ANCHOR.findall(page.read_text(encoding="utf-8"))
        anchors[page] = {unquote("".join(anchor)) for anchor in found}
    return anchors[page]


def is_dead(link, page):
    link = link.replace("&amp;", "&")
    if link.startswith(SOURCE):
        return not (KERNEL / link[len(SOURCE):].split("?")[0]).exists()
    if re.match(r"\w+:", link):
        return not link.startswith((*ELSEWHERE, "data:", "javascript:"))
    file, _, anchor = link.partition("#")
    target = page if not file else page.parent / unquote(file.split("?")[0])
    if target.is_dir():
        return page.suffix == ".html"
    if not target.is_file():
        return True
    if not anchor or target.suffix != ".html":
        return False
    # Lines of a source: rustdoc's script marks a range.
    return any(part not in anchors_of(target) for part in
               (anchor.split("-") if re.fullmatch(r"\d+-\d+", anchor) else [unquote(anchor)]))


def dead():
    for page in sorted(HTML.rglob("*.html")):
        text = SCRIPT.sub(lambda script: script[1] or "", page.read_text(encoding="utf-8"))
        for link in sorted({"".join(found) for found in LINK.findall(text)}):
            if is_dead(link, page):
                yield f"{page.relative_to(HTML)}: {link}"
    for page in sorted(TOP.glob("*.md")) + sorted(TOP.glob("*/*.md")):
        text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        for link in sorted(set(MARKDOWN.findall(text))):
            if is_dead(link, page):
                yield f"{page.relative_to(TOP)}: {link}"


found = list(dead())
print("\n".join(found), end="\n" if found else "")
sys.exit(bool(found))
