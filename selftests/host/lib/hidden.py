#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# usage: hidden.py LIST SOURCE…
#
# Prints what safe code can reach of the crate although no page shows it, and the list LIST does not have ("+ ENTRY"), and
# what the list has and the sources do not ("- ENTRY"):
#
# * each safe function that is hidden, or of a hidden file, type or trait, or of a trait in a private module: "FILE ITEM::fn";
# * each token that a drop makes: "FILE drop of TYPE";
# * each trait that is no unsafe one and has a type parameter, and a supertrait of this crate: "FILE trait NAME";
# * each trait that is no unsafe one, that is hidden or has a constant, and that no private supertrait seals: unsafe code may
#   trust what a driver implements: "FILE trait NAME".
#
# The sources are as rustfmt leaves them: an item ends where a line closes it at its own indentation.

import re
import sys
from pathlib import Path

ITEM = re.compile(r"( *)(?:pub(?:\([a-z]+\))? )?(?:default )?(const )?(unsafe )?(?:extern \"C\" )?(fn|trait|struct|enum|mod|impl\b|const|type|use|macro_rules!)"
                  r"[^\w\n]*(\w*)")
SEALED = re.compile(r"Sealed|sealed|private")
PRIVATE = ("private", "sealed")


def code(path):
    """The lines without comments; strings stay, for they have no items in them."""
    return [re.sub(r"\s*//.*", "", line) for line in path.read_text(encoding="utf-8").split("\n")]


def block(lines, start):
    """The lines of the item that begins in line start."""
    indent = len(lines[start]) - len(lines[start].lstrip())
    for end in range(start, len(lines)):
        if re.match(rf" {{{indent}}}(\}}|\)|where|{{)?\S*[;}}]\)*$", lines[end]) and not (end == start and lines[end].endswith("{")):
            return lines[start:end + 1]
        if end == start and lines[end].rstrip().endswith((";", "{}")):
            return lines[start:end + 1]
    return lines[start:]


def functions(lines, pub=""):
    """The safe functions in a block."""
    for line in lines:
        if (m := re.match(rf"\s*{pub}(?:const )?fn (\w+)", line)):
            yield m.group(1)


def within(lines, number):
    """The trait or type that line number is in, and "::"."""
    indent = len(lines[number]) - len(lines[number].lstrip())
    for line in reversed(lines[:number]):
        if (m := re.match(r"( *)(?:pub )?(?:unsafe )?(trait|impl)\b(.*)", line)) and len(m.group(1)) < indent:
            return (re.search(r"\w+", m.group(3)).group() if m.group(2) == "trait" else owner(line.rstrip(" {"))) + "::"
    return ""


def owner(header):
    """The type that an impl is of."""
    header = re.sub(r"<[^<>]*(<[^<>]*(<[^<>]*>[^<>]*)*>[^<>]*)*>", "", header.split(" where")[0])
    words = re.findall(r"\w+", header.rsplit(" for ", 1)[-1])
    return words[-1] if words else "?"


def entries(path, name):
    lines = code(path)
    hidden_types = set()
    if "#![doc(hidden)]" in lines:
        for fn in functions(lines, "pub "):
            yield f"{name} {fn}"
    for number, line in enumerate(lines):
        if line.strip() == "#[doc(hidden)]":
            # An attribute may have several lines.
            at = next((at for at in range(number + 1, number + 12) if ITEM.match(lines[at])), None)
            if at is None:
                continue
            m = ITEM.match(lines[at])
            _, _, unsafe, kind, item = m.groups()
            if kind == "fn" and not unsafe:
                yield f"{name} {within(lines, at)}{item}"
            elif kind == "trait":
                if not unsafe and not SEALED.search(lines[at]):
                    yield f"{name} trait {item}"
                for fn in functions(block(lines, at)):
                    yield f"{name} {item}::{fn}"
            elif kind in ("struct", "enum"):
                hidden_types.add(item)
            elif kind == "mod" and lines[at].endswith("{"):
                for fn in functions(block(lines, at), "pub "):
                    yield f"{name} {item}::{fn}"
        elif (m := re.match(r"\s*(?:pub\(crate\) )?mod (\w+) \{", line)) and m.group(1) in PRIVATE:
            body = block(lines, number)
            for at, inner in enumerate(body):
                if (t := re.match(r"\s*pub (?:unsafe )?trait (\w+)", inner)):
                    for fn in functions(block(body, at)):
                        yield f"{name} {t.group(1)}::{fn}"
        elif (m := re.match(r"\s*pub trait (\w+)<([^>]*)>:?(.*)", line)):
            if re.search(r"\b[A-Z]\w*\b", re.sub(r"const \w+: \w+|'\w+", "", m.group(2))) and re.search(r"Sealed|Gfp|private", m.group(3)):
                yield f"{name} trait {m.group(1)}"
        if (m := re.match(r"pub trait (\w+)", line)) and not SEALED.search(line):
            if any(re.match(r"    const \w+:", inner) for inner in block(lines, number)):
                yield f"{name} trait {m.group(1)}"
        if re.match(r"\s*fn drop\(", line):
            if re.search(r"assume\(\)|token\(\)", "\n".join(block(lines, number))):
                above = [before for before in lines[:number] if re.match(r"\s*(unsafe )?impl\b", before)]
                yield f"{name} drop of {owner(above[-1].rstrip(' {'))}"
    for number, line in enumerate(lines):
        if re.match(r"impl\b", line) and " for " not in line and owner(line.rstrip(" {")) in hidden_types:
            for inner in block(lines, number):
                if (m := re.match(r"\s*pub (?:const )?fn (\w+)", inner)):
                    yield f"{name} {owner(line.rstrip(' {'))}::{m.group(1)}"


listed = {line.split("|")[0].strip() for line in Path(sys.argv[1]).read_text(encoding="utf-8").split("\n")
          if line.strip() and not line.startswith("#")}
found = set()
for source in map(Path, sys.argv[2:]):
    found.update(entries(source, str(source).split("rust/kalloc/")[-1]))
for entry in sorted(found - listed):
    print("+", entry)
for entry in sorted(listed - found):
    print("-", entry)
sys.exit(found != listed)
