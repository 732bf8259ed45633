# SPDX-License-Identifier: GPL-2.0
"""Makes links of the literals of the pages that name something: an item of the crate, a C function, a file, a test.

Which item a short name means, a page says with `.. items:: MODULE…`: those modules come first from there on. A method without its
type is one of the type that was named before it in the paragraph or row, if that has it. A name that is still ambiguous is no link.
"""

import re
from pathlib import Path

from docutils import nodes
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_for_filename
from pygments.util import ClassNotFound
from rustdoc import Crate
from sphinx.util.docutils import SphinxDirective

TOP = Path(__file__).resolve().parents[2]
FROM_KERNEL = "https://git.kernel.org/pub/scm/linux/kernel/git/stable/linux.git/tree/{}?h=v{}{}"
# What the receivers of the examples are.
RECEIVERS = {
    "task": "", "cx": "", "dma": "dma::DmaDevice", "percpu": "percpu::PerCpu", "cell": "rcu::RcuCell", "vec": "vec::Vec",
    "boxed": "boxed::Box", "queue": "work::Queue", "thread": "kthread::Kthread", "binding": "driver::BoundScope", "args": "slab::Args",
    "cache": "slab::Cache", "pages": "page::Pages", "table": "dma::DmaBuffer", "buffer": "dma::DmaBuffer",
    "block": "dma::DmaBlock", "timer": "timer::Timer", "hrtimer": "hrtimer::HrTimer", "handler": "nmi::Registration",
}
CONTEXTS = ["gfp::WithFlags", "scope", "sync", "irq", "context", "page::MapLocal"]


class Items(SphinxDirective):
    """`.. items:: MODULE…`: a mark in the page, which is gone when the links are made."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self):
        return [nodes.comment("", "", items=self.arguments[0].split())]


class Kernel:
    """Where the kernel's headers declare a name."""

    DECLARED = (
        re.compile(r"^#\s*define\s+(\w+)", re.MULTILINE),
        re.compile(r"^(?!(?:typedef|return|else|struct \w+ \{))(?:__\w+\([\d, ]+\) )?[A-Za-z_][^\n;={}()]*?\b(\w+?)(?:_noprof)?\s*\((?!\*)", re.MULTILINE),
        # The name is on a line of its own.
        re.compile(r"^(\w+?)(?:_noprof)?\((?=[^\n]*\b(?:struct|void|int|const|char|unsigned|size_t|gfp_t)\b)", re.MULTILINE),
        re.compile(r"^(?:struct|union|enum)\s+(\w+)\s*\{", re.MULTILINE),
        re.compile(r"^typedef\b[^;]*?\b(\w+)\s*;", re.MULTILINE | re.DOTALL),
        re.compile(r"^\}\s*(\w+)\s*;", re.MULTILINE),
        # Of an enum.
        re.compile(r"^\t([A-Z]\w*_\w+)\s*[=,]", re.MULTILINE),
    )

    def __init__(self, source, release, arch):
        self.source, self.release, self.places = Path(source), release, {}
        headers = self.source / "include"
        # What stands for the usual form on small or real-time kernels comes last.
        order = sorted(headers.glob("linux/**/*.h"),
                       key=lambda header: (bool(re.search(r"(tiny|_up|_rt|_api)\w*\.h$", header.name)), len(header.parts), header.name))
        for header in [*order, *sorted(headers.glob("asm-generic/*.h")), *sorted(headers.glob("uapi/asm-generic/*.h")),
                       *sorted(self.source.glob(f"arch/{arch}/include/asm/*.h"))]:
            text = header.read_text(encoding="utf-8", errors="replace")
            for pattern in self.DECLARED:
                for found in pattern.finditer(text):
                    self.places.setdefault(found[1], (header, found.start(1)))

    def name(self, name):
        if name not in self.places:
            return None
        header, start = self.places[name]
        line = header.read_text(encoding="utf-8", errors="replace").count("\n", 0, start) + 1
        return FROM_KERNEL.format(header.relative_to(self.source), self.release, f"#n{line}")

    def file(self, name):
        if "/" in name and re.fullmatch(r"[\w./-]+\.[chS]|rust/[\w/]+\.rs|Documentation/[\w./-]+\.rst", name) and (self.source / name).is_file():
            return FROM_KERNEL.format(name, self.release, "")
        return None


def column(node):
    """The heading of the column of a table that the node is in, or nothing."""
    while node and not isinstance(node, nodes.entry):
        node = node.parent
    if not node or isinstance(node.parent.parent, nodes.thead):
        return ""
    heads = list(node.parent.parent.parent.findall(nodes.thead))
    return heads[0][0][node.parent.index(node)].astext() if heads else ""


def row(node):
    """The row of a table that the node is in, or the paragraph."""
    block = node.parent
    return block.parent.parent if isinstance(block.parent, nodes.entry) else block


class Linker:
    def __init__(self, app):
        html = Path(app.outdir)
        self.pages = {path.stem for path in TOP.glob("Documentation/*.rst")}
        self.crate = Crate(html / "crate/kalloc", "crate/kalloc/") if (html / "crate/kalloc/all.html").exists() else None
        self.kernel = Kernel(app.config.kernel_source, app.config.kernel_release, app.config.kernel_arch) if app.config.kernel_source else None
        # C's calls, as c.rst has them.
        self.calls = set(re.findall(r"``(\w+)\(\)``", (TOP / "Documentation/c.rst").read_text(encoding="utf-8")))
        self.errors = app.env.kalloc_pages
        self.sources, self.linked, self.unlinked, self.tests, self.files = set(), 0, [], {}, {}
        for path in TOP.glob("selftests/guest/*.rs"):
            for test in re.findall(r"^    (\w+),$|fn (\w+)\(", path.read_text(encoding="utf-8"), re.MULTILINE):
                self.tests.setdefault("".join(test), set()).add(path.stem)
        for folder in ("packaging", "rust", "samples", "scripts", "selftests", "template"):
            for path in (TOP / folder).rglob("*.*"):
                self.files.setdefault(path.name, []).append(str(path.relative_to(TOP)))

    # ---- files of the checkout

    def source(self, name, line=0):
        root = Path("rust/kalloc")
        if self.crate and root in Path(name).parents and name.endswith(".rs"):
            return f"crate/src/kalloc/{Path(name).relative_to(root)}.html" + (f"#{line}" if line else "")
        self.sources.add(name)
        return f"source/{name}.html" + (f"#L-{line}" if line else "")

    def file(self, text):
        name = text.rstrip("/")
        page = re.fullmatch(r"(?:Documentation/)?(\w+)\.rst", name)
        if page and page[1] in self.pages:
            return page[1] + ".html"
        for name in (name, f"samples/{name}.rs", f"{name}.rs", f"selftests/guest/{name}.rs"):
            if re.fullmatch(r"[\w.-]+(/[\w.-]+)*", name) and name.split("/")[0] != "build" and (TOP / name).is_file():
                return self.source(name)
        # A name without its folder, if only one file has it.
        here = self.files.get(text, ())
        return self.source(here[0]) if len(here) == 1 and (TOP / here[0]).is_file() else None

    def test(self, module, test):
        path = TOP / f"selftests/guest/{module}.rs"
        if path.is_file():
            found = re.search(rf"fn {test}\(|^    {test},$", path.read_text(encoding="utf-8"), re.MULTILINE)
            if found:
                return self.source(str(path.relative_to(TOP)), path.read_text(encoding="utf-8").count("\n", 0, found.start()) + 1)
        return None

    def program(self, name):
        group, _, program = name.partition("/")
        if (TOP / f"selftests/compile_fail/{name}.stderr").is_file():
            return f"{self.errors[group]}.html#{group}-{program}"
        path = f"selftests/compile_fail/{name}.rs"
        return self.source(path) if (TOP / path).is_file() else None

    # ---- items of the crate, names of C and of the kernel crate

    def item(self, text, modules, owner=""):
        text = re.sub(r"^&?(?:mut )?|^[A-Z]: ", "", text)
        while (plain := re.sub(r"(::)?<(?![=<])[^<>]*(?<![-=])>", "", text)) != text:
            text = plain
        found = re.match(r"\.?[\w:.]*\w!?", text)
        if not found:
            return None
        head, called = found[0], text[found.end():].startswith("(")
        if head.endswith("!"):
            return self.crate.macros.get(head[:-1].rsplit("::", 1)[-1])
        if "." in head:
            receiver, name = head.rsplit(".", 1)
            # A type or a static of the example.
            if receiver[:1].isupper() and not receiver.startswith("GFP_"):
                return self.crate.member(receiver, name, modules)
            known = RECEIVERS.get(receiver.split(".")[0]) if receiver and not receiver.startswith("GFP_") else "gfp::Modify"
            return self.crate.method(name, (CONTEXTS if known == "" else [known] if known else []) + modules)
        path = self.crate.item(head, modules)
        if "::" in head:
            owner, name = head.rsplit("::", 1)
            return self.crate.member(owner, name, modules) or (path and self.crate.items[path])
        if owner and head not in self.crate.by_name and (where := self.crate.member(owner, head, modules)):
            return where
        # A word of prose is the name of an item only of the modules that the page is about.
        if head.islower() and "_" not in head and not called:
            return self.crate.method(head, modules) if self.crate.method(head, modules + ["?"]) and self.about(head, modules) else None
        return (path and self.crate.items[path]) or self.crate.method(head, modules)

    def about(self, method, modules):
        return any(owner in modules or self.crate.module(owner) in modules for owner in self.crate.owners[method])

    def kernel_crate(self, text):
        found = re.match(r"(?:&|kernel::(?:\w+::)*)*([A-Z]\w+)", text)
        addresses = self.crate.outward.get(found[1], ()) if found else ()
        return next(iter(addresses)) if len(addresses) == 1 else None

    def c(self, text, column):
        if not self.kernel:
            return None
        found = re.fullmatch(r"(?:(struct|enum) )?(\w+)(\(\))?", text) or re.fullmatch(r"()(\w+_\w+)(\([^&|]*\))", text)
        if found and (column or found[1] or found[3] or "_" in found[2] or re.fullmatch(r"E[A-Z]+", found[2])):
            return self.kernel.name(found[2])
        found = re.match(r"(\w+)\(", text)
        if found and found[1] in self.calls:
            return self.kernel.name(found[1])
        return self.kernel.file(text)

    def address(self, text, before, column, modules, module, owner):
        """Where the literal leads, or None; and the test module that it names."""
        found = re.fullmatch(r"(test_\w+|compile_fail): ([\w/]+)", text)
        if found:
            return (self.program(found[2]) if found[1] == "compile_fail" else self.test(found[1], found[2])), found[1]
        document = f"selftests/host/{text}.sh"
        if (column == "document" or re.search(r"\b(test|document)s? $", before)) and (TOP / document).is_file():
            return self.source(document), module
        if column == "C":
            return self.c(text, column) or (self.crate and (not text.endswith("()") or "." in text) and self.item(text, modules)) or None, module
        if column.startswith("upstream"):
            return self.crate and self.kernel_crate(text), module
        if re.search(r"kernel crate['’]s\s$", before):
            return self.c(text, "") or (self.crate and self.kernel_crate(text)) or None, module
        if re.fullmatch(r"\w+", text):
            where = self.test(module, text) if module else None
            if not where and text.count("_") > 2 and len(self.tests.get(text, ())) == 1:
                where = self.test(*self.tests[text], text)
            if where:
                return where, module
        if re.fullmatch(r"[a-z_]+/\w+", text) and (where := self.program(text)):
            return where, module
        ours = self.crate and text in self.crate.by_name
        where = self.file(text) or (not ours and self.c(text, "")) or (self.crate and (self.item(text, modules, owner) or self.kernel_crate(text)))
        return where or None, module

    def page(self, app, doctree, name):
        modules, module, block, owner, place = [name], "", None, "", None
        for node in list(doctree.findall(lambda node: isinstance(node, (nodes.comment, nodes.literal)))):
            if isinstance(node, nodes.comment):
                modules = node.get("items", modules)
                continue
            if isinstance(node.parent, (nodes.reference, nodes.title)):
                continue
            # A test's module holds for the names that follow it in the paragraph or cell.
            if node.parent is not block:
                module, block = "", node.parent
            # A type's holds for the row, too.
            if row(node) is not place:
                owner, place = "", row(node)
            if found := re.match(r"((?:\w+::)*[A-Z]\w+)(?:::<[^()]*>)?::\w+", node.astext()):
                owner = found[1]
            index = node.parent.index(node)
            before = node.parent[index - 1].astext() if index else ""
            where, module = self.address(node.astext(), before, column(node), modules, module, owner)
            if where:
                self.linked += 1
                outward = "://" in where
                link = nodes.reference("", "", internal=not outward, refuri=where if outward else "../" * name.count("/") + where)
                node.replace_self(link)
                link += node
            else:
                self.unlinked.append(f"{name}: {node.astext()}")

    def collect(self, app):
        """A page for each file that a literal leads to."""
        for name in sorted(self.sources):
            text = (TOP / name).read_text(encoding="utf-8")
            try:
                lexer = get_lexer_for_filename(name)
            except ClassNotFound:
                lexer = get_lexer_for_filename("a.sh" if text.startswith("#!/bin/bash") else "a.txt")
            code = highlight(text, lexer, HtmlFormatter(linenos="inline", lineanchors="L", wrapcode=True))
            yield f"source/{name}", {"title": name, "body": f"<h1>{name}</h1>{code}"}, "page.html"
        # For whoever looks for names that should be links.
        (Path(app.doctreedir).parent / "unlinked").write_text("\n".join([f"{self.linked} linked", *self.unlinked, ""]), encoding="utf-8")


def setup(app):
    app.add_config_value("kernel_source", "", "env")
    app.add_config_value("kernel_release", "", "env")
    app.add_config_value("kernel_arch", "", "env")
    app.add_directive("items", Items)
    linker = []

    def resolve(app, doctree, name):
        if not linker:
            linker.append(Linker(app))
        linker[0].page(app, doctree, name)

    app.connect("doctree-resolved", resolve)
    app.connect("html-collect-pages", lambda app: linker[0].collect(app) if linker else [])
    return {}
