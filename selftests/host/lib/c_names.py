#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# usage: c_names.py KERNEL-SOURCE	(after scripts/doc)
#
# Compares the tables of Documentation/c.rst with the aliases in the crate's documentation, with the kernel's headers, and with
# the calls that other pages name. A row of c.rst is "C | kalloc | note"; kalloc's cell begins with "no: " where it has none.

import json
import re
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[3]
PAGES = TOP / "Documentation"
INCLUDE = Path(sys.argv[1]) / "include"
# The headers whose calls c.rst has if a page names them.
HEADERS = """slab.h vmalloc.h gfp.h gfp_types.h mempool.h percpu.h percpu-defs.h objpool.h dmapool.h dma-mapping.h overflow.h
    device/devres.h sched/mm.h""".split()
LITERAL = re.compile(r"``([^`]+)``")
WORD = re.compile(r"\b\w+\b")


def rows():
    """The C names of each row, kalloc's cell, and the note."""
    for line in (PAGES / "c.rst").read_text(encoding="utf-8").splitlines():
        if line.startswith("   ``") and " | " in line:
            c, kalloc, note = line.strip().split(" |")
            yield [re.sub(r"struct |\(\)", "", name) for name in LITERAL.findall(c)], kalloc.strip(), note


def aliases():
    """Each alias of the crate, in lower case as rustdoc has it, with the names of its items."""
    index = (TOP / "build/doc/html/crate/search-index.js").read_text(encoding="utf-8")
    text = re.search(r"JSON\.parse\('(.*)'\)\)", index, re.DOTALL)[1]
    crate = dict(json.loads(text.replace("\\'", "'").replace("\\\\", "\\")))["kalloc"]
    names = []
    for name in crate["n"]:
        names.append(name or names[-1])
    return {alias: {names[item] for item in items} for alias, items in crate["a"].items()}


def wrong():
    has = aliases()
    words = set()
    for header in (INCLUDE / "linux").rglob("*.h"):
        words.update(WORD.findall(header.read_text(encoding="utf-8", errors="replace")))
    for header in [*INCLUDE.glob("asm-generic/*.h"), *INCLUDE.parent.glob("arch/*/include/asm/*.h")]:
        words.update(WORD.findall(header.read_text(encoding="utf-8", errors="replace")))
    listed, wrapped = set(), set()
    for names, kalloc, note in rows():
        items = set(WORD.findall(" ".join(LITERAL.findall(kalloc))))
        for name in names:
            listed.add(name)
            if name not in words and "gone since" not in kalloc + note:
                yield f"the kernel has no {name}"
            on = has.get(name.lower(), set())
            if kalloc.startswith("no: "):
                if on:
                    yield f"{name} is an alias of {', '.join(on)}, and its row says that kalloc has none"
                continue
            wrapped.add(name.lower())
            if not on & items and name not in items:
                yield f"{name} is no alias of an item that its row names ({kalloc})"
    for alias in sorted(has.keys() - wrapped):
        yield f"no row has the alias {alias}"
    declared = set()
    for header in HEADERS:
        declared.update(re.findall(r"\b(\w+?)(?:_noprof)?\(", (INCLUDE / "linux" / header).read_text(encoding="utf-8")))
    for page in sorted(PAGES.glob("*.rst")):
        for name in sorted(set(re.findall(r"``(\w+)\(\)``", page.read_text(encoding="utf-8")))):
            if name in declared and name not in listed:
                yield f"no row has {name}(), which {page.name} names"


found = list(wrong())
print("\n".join(found), end="\n" if found else "")
sys.exit(bool(found))
