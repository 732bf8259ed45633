# SPDX-License-Identifier: GPL-2.0
"""The steps of a tutorial: `.. step:: FILE` is a whole file, in which what the step before did not have is marked."""

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


def setup(app):
    app.add_directive("step", Step)
    return {"parallel_read_safe": True}
