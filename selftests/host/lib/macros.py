#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# usage: macros.py FILE…	(from the root of the checkout)
#
# Prints what an exported macro of the crate does that it must not: a driver's tokens are hostile. See the rules below.

import re
import sys

# Macros that keep one `unsafe`, and why no token of the driver reaches it.
UNSAFE = {
    "field": "its block has two local variables of the macro's",
    "io_project": "its block has two local variables of the macro's",
    "module": "an `unsafe impl` for the name of the struct that the macro itself declares",
    "nmi_safe": "an `unsafe impl` for the name of the struct that the macro itself declares",
    "section": "its block has two local variables of the macro's",
}

# Kinds of fragments that are the same wherever they stand.
SAME = {"ident", "lifetime", "literal", "vis"}

# Fragments that an arm with `unsafe` transcribes more than once, though they could expand to another type or value each
# time (`include_bytes!` of a file that changes), and what compares the expansions.
REPEATED = {
    ("module", "pool"): "`StaticPool::PLACE` has the type that `StaticPool::Pool` gives it",
    ("nmi_safe", "type"): "`nmi_safe()` takes an `Exact`, which has the type of the field",
}

# Names of the driver's that `module!` compares with the crates, and uses for nothing else.
COMPARED = re.compile(r"mod named \{\s*pub\(super\) use ::\{core, kernel, pin_init\};\s*\}")


def matching(text, start):
    """The end of what the bracket at `start` opens."""
    depth = 0
    for i in range(start, len(text)):
        depth += (text[i] in "([{") - (text[i] in ")]}")
        if depth == 0:
            return i + 1
    raise ValueError("a bracket is not closed")


def rules(name, matcher, body):
    """The rules that an arm of a macro breaks."""
    unsafe = list(re.finditer(r"\bunsafe\b", body))
    for fragment, kind in re.findall(r"\$(\w+):(\w+)", matcher) if unsafe else ():
        if kind not in SAME and len(re.findall(rf"\${fragment}\b", body)) > 1 and (name, fragment) not in REPEATED:
            yield f"${fragment} is expanded more than once"
    for word in unsafe:
        rest = body[word.end() :].lstrip()
        if rest.startswith("{"):
            if "$" in re.sub(r"\$crate\b", "", rest[: matching(rest, 0)]):
                yield "a metavariable in an unsafe block"
        elif rest.startswith("impl"):
            if not re.match(r"impl \$crate(::\w+)+ for \$\w+ \{\}", rest):
                yield "an unsafe impl names more of the driver than an ident"
        else:
            yield "unsafe is neither a block nor an impl"
    if re.search(r"\.\s*\$?\w+\s*(::<[^>]*>)?\(", re.sub(r"\$\([^()]*\)", "", body)):
        yield "a call x.method()"
    if re.search(r"(?<![\w:>}])::[\w{]", COMPARED.sub("", body)):
        yield "a path that begins with ::"
    if re.search(r"#\[\s*\$(?!\w+:)", body):
        yield "an attribute of the driver"


used = {}
failed = False
for file in sys.argv[1:]:
    text = re.sub(r"//.*", "", open(file, encoding="utf-8").read())
    for found in re.finditer(r"#\[macro_export\]\s*(?:#\[[^\]]*\]\s*)*macro_rules! (\w+) \{", text):
        name, at = found[1], found.end()
        end = matching(text, at - 1) - 1
        while (arm := text.find("=>", at, end)) != -1:
            start = re.compile(r"[({]").search(text, arm).start()
            matcher = text[at:arm]
            at = matching(text, start)
            body = text[start:at]
            used[name] = used.get(name, 0) + len(re.findall(r"\bunsafe\b", body))
            for rule in rules(name, matcher, body):
                failed = True
                print(f"{file}: {name}!: {rule}")
for name, count in used.items():
    if count != (name in UNSAFE):
        failed = True
        print(f"{name}! has unsafe {count} times")
for name in UNSAFE.keys() - used.keys():
    failed = True
    print(f"{name}! is listed, and there is none")
sys.exit(failed)
