# SPDX-License-Identifier: GPL-2.0
"""The items of the crate, as rustdoc's pages have them."""

import re
from collections import defaultdict

LISTED = re.compile(r'<li><a href="([^"]+)">([^<]+)</a>')
MEMBER = re.compile(r'<section id="((?:ty)?method|variant|associatedconstant|associatedtype|structfield)\.(\w+?)(-\d+)?"'
                    r' class="([^"]*)"')


# What an alias such as `KBox` stands for.
ALIAS = re.compile(r'<pre class="rust item-decl"><code>pub type [^=]*= <a class="struct" href="(?:[^"]*/)?(\w+)/struct\.(\w+)\.html"'
                   r'|<pre class="rust item-decl"><code>pub type [^=]*= <a class="struct" href="struct\.(\w+)\.html"')
# A link of rustdoc's to the kernel crate, to `core` and so on, with the item that it leads to.
OUTWARD = re.compile(r'href="(https://[^"#]+)" title="(?:struct|enum|trait|type|macro|union) [\w:]+::(\w+)"')


class Crate:
    """`items`: the address of each path, such as `boxed::KBox`. `members`: those of `(path, name)`. `macros`: those of their
    names. `outward`: those of types of other crates."""

    def __init__(self, root, prefix):
        self.items, self.members, self.macros, self.outward = {}, {}, {}, defaultdict(set)
        self.alias = {}
        self.by_name, self.owners = defaultdict(list), defaultdict(list)
        for page in sorted(root.glob("*/index.html")):
            self.items[page.parent.name] = f"{prefix}{page.parent.name}/index.html"
        for href, path in LISTED.findall((root / "all.html").read_text(encoding="utf-8")):
            self.items[path] = prefix + href
            name = path.rsplit("::", 1)[-1]
            self.by_name[name].append(path)
            kind = href.rsplit("/", 1)[-1].split(".")[0]
            if kind == "macro":
                self.macros[name] = prefix + href
            if kind not in ("struct", "enum", "trait", "type"):
                continue
            text = (root / href).read_text(encoding="utf-8")
            if kind == "type" and (found := ALIAS.search(text)):
                self.alias[path] = f"{found[1] or self.module(path)}::{found[2] or found[3]}"
            for address, name in OUTWARD.findall(text):
                self.outward[name].add(address)
            for member, name, number, classes in MEMBER.findall(text):
                if "trait-impl" in classes or (path, name) in self.members:
                    continue
                self.members[path, name] = f"{prefix}{href}#{member}.{name}{number}"
                # The methods of an alias are those of its type.
                if kind != "type":
                    self.owners[name].append(path)

    def item(self, path, modules):
        """The path of the one item that is meant, as `Cache`, `slab::Cache` or `kalloc::slab::Cache`."""
        path = path.removeprefix("kalloc::").removeprefix("prelude::")
        if path in self.items and "::" in path:
            return path
        found = self.by_name.get(path.rsplit("::", 1)[-1], [])
        if "::" in path:
            found = [one for one in found if one.endswith("::" + path)]
        return chosen(found, modules, self.module)

    def member(self, owner, name, modules):
        path = self.item(owner, modules)
        return self.members.get((path, name)) or self.members.get((self.alias.get(path), name))

    def method(self, name, modules):
        path = chosen(self.owners.get(name, []), modules, self.module)
        return self.members.get((path, name))

    @staticmethod
    def module(path):
        return path.rsplit("::", 1)[0] if "::" in path else ""


def chosen(found, modules, module):
    """The only one, or the only one in the first of these modules, or of their items, that has any."""
    if len(found) == 1:
        return found[0]
    for wanted in modules:
        here = [one for one in found if wanted in (module(one), one)]
        if here:
            return here[0] if len(here) == 1 else None
    return None
