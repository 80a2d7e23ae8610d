#!/usr/bin/env python3
"""The guide as a reader would follow it: guide_check.py AMTLAB GUIDE.md

Writes each YAML block under the name in its first line, then runs each command of the console blocks and
looks for the lines below it in what it prints. Blocks without a console block must pass.
"""
import os
import re
import subprocess
import sys
import tempfile

amtlab, guide = os.path.abspath(sys.argv[1]), sys.argv[2]
failures = 0
untold = {}


def fail(text):
    global failures
    failures += 1
    print(text)


def run(words):
    done = subprocess.run(words, shell=True, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


with open(guide, encoding="utf-8") as file:
    blocks = re.findall(r"^```(yaml|console)\n(.*?)^```$", file.read(), re.M | re.S)
os.chdir(tempfile.mkdtemp())
for kind, text in blocks:
    if kind == "yaml":
        head, body = text.split("\n", 1)
        name = head.removeprefix("# ")
        with open(name, "w", encoding="utf-8") as file:
            file.write(body)
        untold[name] = True
        continue
    for command in re.split(r"^\$ ", text, flags=re.M)[1:]:
        line, *wanted = command.strip("\n").split("\n")
        status, output = run(line.replace("amtlab", amtlab, 1))
        for name in list(untold):
            if name in line:
                del untold[name]
        if ("FAILED" in command) != (status == 1) or ("errors" in command and status != 3):
            fail(f"$ {line}\nended with {status}:\n{output}")
        for want in wanted:
            if want.strip() not in output:
                fail(f"$ {line}\ndoes not print: {want}\nbut:\n{output}")
for name in untold:
    status, output = run(f"{amtlab} run {name}")
    if status != 0:
        fail(f"{name} does not pass:\n{output}")
print(f"{len(blocks)} blocks, {failures} failures")
sys.exit(1 if failures or len(blocks) < 6 else 0)
