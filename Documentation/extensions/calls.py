# SPDX-License-Identifier: GPL-2.0
"""C's calls on the page `c`: an entry of the index for each, and with `.. without-form::` a table of those that kalloc does not have."""

import re

from docutils import nodes
from docutils.statemachine import StringList
from sphinx import addnodes
from sphinx.transforms import SphinxTransform
from sphinx.util.docutils import SphinxDirective

PAGE = "c"
WITHOUT = re.compile(r"^   (``.*``) \| no: (.+) \|$", re.MULTILINE)


class WithoutForm(SphinxDirective):
    """The rows of this page whose second column begins with "no:"."""

    def run(self):
        source = self.env.doc2path(self.env.docname)
        with open(source, encoding="utf-8") as page:
            rows = WITHOUT.findall(page.read())
        if not rows:
            raise self.error("no row begins with no:")
        lines = [".. csv-table::", "   :header: C | why", "   :delim: |", "   :widths: 40 60", ""]
        self.content = StringList([*lines, *(f"   {calls} | {why}" for calls, why in sorted(rows, key=lambda row: row[0].lstrip("`_").lower()))],
                                  source=source)
        return self.parse_content_to_nodes()


class Index(SphinxTransform):
    """Before the domains collect the entries."""

    default_priority = 800

    def apply(self):
        if self.env.docname != PAGE:
            return
        seen = set()
        for row in [row for body in self.document.findall(nodes.tbody) for row in body]:
            for literal in list(row[0].findall(nodes.literal)):
                name = literal.astext()
                anchor = "c-" + re.sub(r"\W+", "-", name).strip("-")
                if anchor not in seen:
                    seen.add(anchor)
                    place = literal.parent.index(literal)
                    literal.parent[place:place] = [addnodes.index(entries=[("single", name, anchor, "", None)]),
                                                   nodes.target("", "", ids=[anchor])]


def setup(app):
    app.add_directive("without-form", WithoutForm)
    app.add_transform(Index)
    return {"parallel_read_safe": True}
