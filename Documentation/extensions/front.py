# SPDX-License-Identifier: GPL-2.0
"""What pages have from README.md: the front page's sentences, and tables."""

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


class ReadmeTable(SphinxDirective):
    """`.. readme-table:: HEADING`: the table of README.md whose first column has this heading."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self):
        self.env.note_dependency(str(README))
        table = re.search(rf"^\| {re.escape(self.arguments[0])} \|.*\n(?:\|.*\n)+", README.read_text(encoding="utf-8"), re.MULTILINE)
        if not table:
            raise self.error(f"README.md has no table of {self.arguments[0]}")
        head, _, *rows = (line.strip("| ").replace("`", "``") for line in table[0].splitlines())
        self.content = StringList([".. csv-table::", f"   :header: {head}", "   :delim: |", "", *(f"   {row}" for row in rows)],
                                  source=str(README))
        return self.parse_content_to_nodes()


def setup(app):
    app.add_directive("pages", Pages)
    app.add_directive("readme-table", ReadmeTable)
    return {"parallel_read_safe": True}
