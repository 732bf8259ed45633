#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# usage: layers.py CRATE
#
# Prints each import of the crate in the directory CRATE that does not go down: from a floor to one that kalloc.rs names
# after it, or, within a floor, in a circle of files; and each folder with more than a dozen entries, where a file and the
# folder of the same name are one. It reads every `crate::` path outside comments and macro bodies. kalloc.rs, the facade
# and the prelude stand above all floors.

import re
import sys
from pathlib import Path

ABOVE = {"kalloc.rs", "facade.rs", "prelude.rs"}
MOST = 12

crate = Path(sys.argv[1])
floors = re.findall(r"^mod (\w+)(?: \{|;)", (crate / "kalloc.rs").read_text(encoding="utf-8"), re.M)
files = {path.relative_to(crate).with_suffix("").as_posix(): path for path in sorted(crate.rglob("*.rs"))
         if path.relative_to(crate).as_posix() not in ABOVE}


def closing(text, start):
    """The index behind the brace that closes the one at start."""
    depth = 0
    for index in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[index], 0)
        if depth == 0:
            return index + 1
    return len(text)


def code(text):
    """The text without comments, strings and macro bodies."""
    text = re.sub(r'//[^\n]*|c?"(?:\\.|[^"\\])*"', "", text)
    while m := re.search(r"macro_rules! \w+ \{", text):
        text = text[:m.start()] + text[closing(text, m.end() - 1):]
    return text


def leaves(tree):
    """The paths of a use tree."""
    tree = tree.strip()
    if not tree.endswith("}"):
        return [tree]
    head, inner = tree.split("{", 1)
    depth, parts, part = 0, [], ""
    for char in inner[:-1] + ",":
        depth += {"{": 1, "}": -1}.get(char, 0)
        if char == "," and depth == 0:
            parts, part = parts + [part], ""
        else:
            part += char
    return [head.strip() + leaf for part in parts if part.strip() for leaf in leaves(part)]


def imports(text):
    """The `crate::` paths of a text."""
    text = code(text)
    for m in re.finditer(r"\bcrate::", text):
        if text[m.end():].lstrip().startswith("{"):
            yield from leaves(text[m.end():closing(text, text.index("{", m.end()))])
        else:
            path = re.match(r"[\w:]*(\{)?", text[m.end():])
            end = closing(text, m.end() + path.end() - 1) if path.group(1) else m.end() + path.end()
            yield from leaves(text[m.end():end])


def file_of(path):
    """The file that a path leads to: the longest that there is; of a macro at the root there is none."""
    parts = re.sub(r"\s", "", path).split("::")
    for count in range(len(parts), 0, -1):
        if (name := "/".join(parts[:count])) in files:
            return name
    return None if parts[0] not in floors else "/".join(parts)


found = []
uses = {}
for name, path in files.items():
    floor = name.split("/")[0]
    if floor not in floors:
        found.append(f"{name}: not on a floor that kalloc.rs names")
        continue
    uses[name] = set()
    for used in imports(path.read_text(encoding="utf-8")):
        first = used.split("::")[0].strip()
        if first in floors:
            if floors.index(first) > floors.index(floor):
                found.append(f"{name}: imports {used} from a floor above")
            uses[name].add(file_of(used))
        elif "::" in used:
            found.append(f"{name}: imports {used}, which is on no floor")


def circle(name, way):
    """The first circle that begins at name."""
    for used in sorted(filter(None, uses.get(name, ()))):
        if used == way[0] and len(way) > 1:
            return way
        if used not in way and (there := circle(used, way + [used])):
            return there
    return None


reported = set()
for name in sorted(uses):
    if (way := circle(name, [name])) and not reported & set(way):
        reported |= set(way)
        found.append("a circle: " + " -> ".join(way + [name]))

for folder in [crate, *(path for path in crate.rglob("*") if path.is_dir())]:
    entries = {path.stem for path in folder.iterdir()}
    if len(entries) > MOST:
        found.append(f"{folder.relative_to(crate)}: {len(entries)} entries")

print("\n".join(found), end="\n" if found else "")
sys.exit(1 if found or not uses else 0)
