#!/usr/bin/env python3
"""Checks the pipeline pieces in ci/ as far as that goes offline, and prints the script of the GitHub action.

usage: pipeline_pieces.py SOURCE
"""
import os
import re
import sys

import yaml

INPUT = re.compile(r"\$\{\{\s*inputs\.([a-z-]+)")


def load(source, path):
    with open(os.path.join(source, path), encoding="utf-8") as file:
        return yaml.safe_load(file)


def check_action(action):
    assert action["runs"]["using"] == "composite"
    steps = action["runs"]["steps"]
    for step in steps:
        assert ("uses" in step) != ("run" in step), step
        # inputs in a script would be run, not read
        assert "run" not in step or (step.get("shell") == "bash" and "${{" not in step["run"]), step
        assert "uses" not in step or re.match(r"^[\w.-]+/[\w./-]+@v\d+$", step["uses"]), step
    used = {name for step in steps for name in INPUT.findall(str(step))}
    used |= set(re.findall(r"inputs\.([a-z-]+) ==", str(steps)))
    assert used == set(action["inputs"]), f"inputs {set(action['inputs'])}, used {used}"
    for value in action["outputs"].values():
        step, name = re.match(r"^\$\{\{ steps\.(\w+)\.outputs\.(\w+) \}\}$", value["value"]).groups()
        assert any(s.get("id") == step for s in steps), value
    return "".join(step["run"] for step in steps if "run" in step)


def check_example(example, action):
    steps = [step for job in example["jobs"].values() for step in job["steps"]]
    ours = [step for step in steps if "/ci/github@" in step.get("uses", "")]
    assert len(ours) == 1 and set(ours[0]["with"]) <= set(action["inputs"]), ours


def check_gitlab(template, source):
    (job,) = template.values()
    tree = os.path.join(source, "ci")
    for line in job["script"]:
        program = re.match(r'^"\$AMTLAB_TREE/ci/([\w-]+)"$', line).group(1)
        assert os.access(os.path.join(tree, program), os.X_OK), line
    assert job["artifacts"]["when"] == "always" and "junit" in job["artifacts"]["reports"]


def main():
    source = sys.argv[1]
    action = load(source, "ci/github/action.yml")
    script = check_action(action)
    check_example(load(source, "ci/github/example.yml"), action)
    check_gitlab(load(source, "ci/gitlab/amtlab.gitlab-ci.yml"), source)
    sys.stdout.write(script)


main()
