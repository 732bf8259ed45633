# SPDX-License-Identifier: GPL-2.0
"""The front page's lists of pages, with the sentences that README.md has for them."""

import re
from pathlib import Path

from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

README = Path(__file__).resolve().parents[2] / "README.md"
LISTED = re.compile(r"^\* \[\w+\]\(Documentation/(\w+)\.rst\): (.+)$", re.MULTILINE)


class Pages(SphinxDirective):
    """`.. pages:: CAPTION`, and names of pages: entries of the sidebar, and here a link and a sentence for each."""

    has_content = True
    required_arguments = 1
    final_argument_whitespace = True

    def run(self):
        self.env.note_dependency(str(README))
        sentences = dict(LISTED.findall(README.read_text(encoding="utf-8")))
        pages = " ".join(self.content).split()
        lines = [".. toctree::", "   :hidden:", f"   :caption: {self.arguments[0]}", ""]
        lines += [f"   {page}" for page in pages] + [""]
        for page in pages:
            if page not in sentences:
                raise self.error(f"README.md has no sentence for {page}")
            lines.append(f"* :doc:`{page}`: {sentences[page].replace('`', '``')}")
        self.content = StringList(lines, source=str(README))
        return self.parse_content_to_nodes()


def setup(app):
    app.add_directive("pages", Pages)
    return {"parallel_read_safe": True}
