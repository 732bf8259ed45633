#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""usage: definition.py FILE NAME… -- SERVER…

Asks a language server, as an editor does, for the definition of the first occurrence of each NAME in FILE, a word or a path of which
the last word is meant. Prints "NAME FILE LINE", or "NAME none".
"""

import json
import pathlib
import re
import subprocess
import sys
import time

split = sys.argv.index("--")
file, names, command = pathlib.Path(sys.argv[1]), sys.argv[2:split], sys.argv[split + 1:]
server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=file.parent)
number = 0


def send(message):
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    server.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
    server.stdin.flush()


def receive():
    length = 0
    while (line := server.stdout.readline().strip()):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    if not length:
        sys.exit("the server ended")
    return json.loads(server.stdout.read(length))


def ask(method, params):
    global number
    number += 1
    send({"id": number, "method": method, "params": params})
    while True:
        message = receive()
        if message.get("id") == number and "method" not in message:
            return message
        if "id" in message:  # It asks too, and has no answer from here.
            send({"id": message["id"], "result": None})


def definition(name):
    at = re.search(rf"\b{re.escape(name)}\b", text).end() - 1
    line = text.count("\n", 0, at)
    position = {"line": line, "character": at - (text.rfind("\n", 0, at) + 1)}
    # While it reads the crates it has no answer, or says that they have changed.
    for _ in range(150):
        found = ask("textDocument/definition", {"textDocument": {"uri": uri}, "position": position}).get("result")
        if found:
            found = found[0] if isinstance(found, list) else found
            start = found.get("range", found.get("targetSelectionRange"))["start"]
            return f'{found.get("uri", found.get("targetUri"))} {start["line"] + 1}'
        time.sleep(2)
    return "none"


text, uri = file.read_text(), file.as_uri()
ask("initialize", {"processId": None, "rootUri": file.parent.as_uri(), "capabilities": {}})
send({"method": "initialized", "params": {}})
send({"method": "textDocument/didOpen",
      "params": {"textDocument": {"uri": uri, "languageId": "rust", "version": 1, "text": text}}})
for name in names:
    print(name, definition(name), flush=True)
server.kill()
