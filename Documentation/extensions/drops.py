# SPDX-License-Identifier: GPL-2.0
"""Makes links of the heads and of the first column of the table on the page `drop`: to the rows that explain them."""

from docutils import nodes
from sphinx.errors import ExtensionError
from sphinx.transforms import SphinxTransform

PAGE, TABLE, EXPLAIN = "drop", "type", ("column", "row")


class Drops(SphinxTransform):
    default_priority = 800

    def apply(self):
        if self.env.docname != PAGE:
            return
        tables = {head[0][0].astext(): head for head in self.document.findall(nodes.thead)}
        places = {}
        for kind in EXPLAIN:
            for row in tables[kind].parent.next_node(nodes.tbody):
                name = row[0].astext()
                row[0]["ids"].append(f"{kind}-{name}")
                places[name] = f"{kind}-{name}"
        head = tables[TABLE]
        for entry in [*head[0][1:], *(row[0] for row in head.parent.next_node(nodes.tbody))]:
            name = entry.astext()
            if name not in places:
                raise ExtensionError(f"no table of {PAGE} explains {name}")
            paragraph = entry[0]
            paragraph[:] = [nodes.reference("", name, internal=True, refid=places[name])]


def setup(app):
    app.add_transform(Drops)
    return {"parallel_read_safe": True}
