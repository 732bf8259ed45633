# SPDX-License-Identifier: GPL-2.0
"""Code from files. `.. step:: FILE` is a whole file, a step of a tutorial, in which what the step before did not have is marked.
`.. documented:: FILE ITEM` is the example in the documentation of an item.
"""

import re
from difflib import SequenceMatcher
from pathlib import Path

from docutils import nodes
from sphinx.util.docutils import SphinxDirective


class Step(SphinxDirective):
    required_arguments = 1

    def run(self):
        _, path = self.env.relfn2path(self.arguments[0])
        self.env.note_dependency(path)
        # Without the licence and the comment about the file.
        lines = Path(path).read_text(encoding="utf-8").split("\n", 4)[4].rstrip("\n").split("\n")
        before = self.env.temp_data.get("step")
        self.env.temp_data["step"] = lines
        block = nodes.literal_block("\n".join(lines), "\n".join(lines), language="rust")
        if before:
            same = SequenceMatcher(None, before, lines, autojunk=False).get_opcodes()
            block["highlight_args"] = {"hl_lines": [line + 1 for kind, _, _, first, end in same if kind in ("insert", "replace")
                                                    for line in range(first, end) if lines[line].strip()]}
        return [block]


class Documented(SphinxDirective):
    required_arguments = 2

    def run(self):
        name, item = self.arguments
        path = Path(__file__).resolve().parents[2] / name
        self.env.note_dependency(str(path))
        comment = re.search(rf"((?:///.*\n)+)(?:#.*\n)*pub \w+ {item}\b", path.read_text(encoding="utf-8"))
        example = comment and re.search(r"^```\n(.*?)^```$", re.sub(r"^/// ?", "", comment[1], flags=re.MULTILINE), re.MULTILINE | re.DOTALL)
        if not example:
            raise self.error(f"{name} has no example of {item}")
        return [nodes.literal_block(example[1], example[1], language="rust")]


def setup(app):
    app.add_directive("step", Step)
    app.add_directive("documented", Documented)
    return {"parallel_read_safe": True}
