# SPDX-License-Identifier: GPL-2.0
"""The compile errors, made from the programs of selftests/compile_fail/ and the compiler's messages beside them.

`.. compile-errors:: GROUP…` has each program of these folders: the mistake, the message, the way out. `.. error-codes:: CODE…` leads
to those with one of these codes, first to the plain ones that its content names. A way out is a note of the message that kalloc itself
has written; where there is none, it is the section of the page `errors` that has the code.
"""

import re
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

TOP = Path(__file__).resolve().parents[2]
PROGRAMS = TOP / "selftests/compile_fail"
NOTE = re.compile(r'\bnote = "((?:[^"\\]|\\.)*)"', re.DOTALL)
SAID = re.compile(r"^ += note: (.*(?:\n {9,}\S.*)*)", re.MULTILINE)
# An error without a code.
NO_CODE = {"lifetime may not live long enough": "lifetime", "future cannot be sent": "future"}


def one_line(text):
    return re.sub(r"\s+", " ", text).strip()


def notes_of_kalloc():
    """The notes of kalloc's own errors; what the compiler puts into one is any text."""
    found = set()
    for path in (TOP / "rust/kalloc").rglob("*.rs"):
        for note in NOTE.findall(path.read_text(encoding="utf-8")):
            text = one_line(re.sub(r"\\\n\s*", "", note).replace('\\"', '"'))
            found.add(re.sub(r"\\\{\w+\\\}", ".*", re.escape(text)))
    return re.compile("|".join(sorted(found)))


class Program:
    def __init__(self, path, ours):
        text = path.read_text(encoding="utf-8")
        self.name = f"{path.parent.name}/{path.stem}"
        self.mistake = one_line(" ".join(re.findall(r"^//! ?(.*)", text, re.MULTILINE)))
        body = re.sub(r"^//(?:!|@|~| SPDX).*\n", "", text, flags=re.MULTILINE)
        body = re.sub(r"^ *//~.*\n| *//~.*", "", body, flags=re.MULTILINE)
        self.code = re.sub(r"\n{3,}", "\n\n", body).strip("\n")
        said = path.with_suffix(".stderr").read_text(encoding="utf-8")
        self.message = re.split(r"\n(?:error|warning): (?:aborting due to|\d+ warning)", said)[0].replace("$DIR/", "").rstrip()
        error = re.search(r"^error(?:\[(E\d+)\])?: (.*)", said, re.MULTILINE)
        self.codes = set(re.findall(r"^error\[(E\d+)\]", said, re.MULTILINE))
        for line in re.findall(r"^error: (.*)", self.message, re.MULTILINE):
            self.codes.add(next((code for start, code in NO_CODE.items() if line.startswith(start)), "macro"))
        self.headline = error[2]
        self.ways = list(dict.fromkeys(note for note in map(one_line, SAID.findall(said)) if ours.fullmatch(note)))


def programs(env):
    if not hasattr(env, "kalloc_programs"):
        ours = notes_of_kalloc()
        env.kalloc_programs = [Program(path, ours) for path in sorted(PROGRAMS.glob("*/*.rs")) if path.with_suffix(".stderr").exists()]
        env.kalloc_pages, env.kalloc_codes = {}, {}
    return env.kalloc_programs


def html(text):
    return nodes.raw("", text, format="html")


def escaped(text):
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def quoted(text):
    """A sentence with Markdown's code, as HTML."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escaped(text))


def anchor(program):
    return program.name.replace("/", "-")


class CompileErrors(SphinxDirective):
    required_arguments = 1
    final_argument_whitespace = True

    def block(self, text, language):
        return nodes.literal_block(text, text, language=language)

    def run(self):
        every, found = programs(self.env), []
        for group in self.arguments[0].split():
            self.env.kalloc_pages[group] = self.env.docname
            right = PROGRAMS / group / "ok.rs"
            if right.exists():
                code = re.sub(r"^//.*\n", "", right.read_text(encoding="utf-8"), flags=re.MULTILINE).strip("\n")
                found += [html(f'<details class="right"><summary>Done right ({group})</summary>'), self.block(code, "rust"),
                          html("</details>")]
            for program in (one for one in every if one.name.startswith(group + "/")):
                found += [html(f'<details id="{anchor(program)}"><summary>{quoted(program.mistake)}<br/>'
                               f'<small>{quoted(program.headline)}</small></summary>'),
                          self.block(program.code, "rust"), self.block(program.message, "none")]
                if program.ways:
                    ways = [f"* {way.replace('`', '``')}" for way in program.ways]
                    self.content = StringList(["The way out:", "", *ways], source=str(PROGRAMS / f"{program.name}.stderr"))
                    found += self.parse_content_to_nodes()
                found += [Explained("", codes=sorted(program.codes)), html("</details>")]
        return found


class Explained(nodes.General, nodes.Element):
    """The place of the links to what is said of codes, which is known when all pages are read."""


class Codes(nodes.General, nodes.Element):
    """The place of the list of programs, which is known when all pages are read."""


class ErrorCodes(SphinxDirective):
    has_content = True
    required_arguments = 1
    final_argument_whitespace = True

    def run(self):
        codes, plain = self.arguments[0].split(), " ".join(self.content).split()
        for name in plain:
            if not any(one.name == name and one.codes & set(codes) for one in programs(self.env)):
                raise self.error(f"no program {name} gets one of {codes}")
        self.env.kalloc_codes.update(dict.fromkeys(codes, self.env.docname))
        return [Codes("", codes=codes, plain=plain)]


def check(app, env):
    """Every program is on a page, and every code has its section."""
    missing = sorted({one.name.split("/")[0] for one in programs(env)} - env.kalloc_pages.keys())
    unexplained = sorted(set().union(*(one.codes for one in programs(env))) - env.kalloc_codes.keys())
    if missing or unexplained:
        raise ExtensionError(f"no page has the compile errors of {missing}, no section the codes {unexplained}")


def fill(app, doctree, docname):
    for place in list(doctree.findall(Explained)):
        links = []
        for code in place["codes"]:
            page = app.env.kalloc_codes[code]
            section = next(one.parent for one in app.env.get_doctree(page).findall(Codes) if code in one["codes"])
            links.append(f'<a class="reference internal" href="{app.builder.get_relative_uri(docname, page)}#{section["ids"][0]}">{code}</a>')
        place.replace_self(html(f"<p>What to do: {', '.join(links)}</p>"))
    for place in list(doctree.findall(Codes)):
        said = []
        for one in sorted(programs(app.env), key=lambda one: one.name not in place["plain"]):
            if one.codes & set(place["codes"]):
                page = app.builder.get_relative_uri(docname, app.env.kalloc_pages[one.name.split("/")[0]])
                said.append(f'<li><a class="reference internal" href="{page}#{anchor(one)}">{quoted(one.mistake)}</a></li>')
        place.replace_self(html(f'<details><summary>{len(said)} mistakes that get {", ".join(code for code in place["codes"] if code.startswith("E"))}</summary><ul>{"".join(said)}</ul></details>'))


def setup(app):
    app.add_node(Codes)
    app.add_node(Explained)
    app.add_directive("compile-errors", CompileErrors)
    app.add_directive("error-codes", ErrorCodes)
    app.connect("env-updated", check)
    app.connect("doctree-resolved", fill, priority=400)
    return {}
