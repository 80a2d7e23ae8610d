#!/usr/bin/env python3
"""The schema against files: schema_check.py AMTLAB FOLDER...

Every scenario file below the folders fits the schema that AMTLAB prints, every part and profile
its own, and documents that `amtlab validate` refuses do not. Exit 77 without the two modules.
"""
import copy
import glob
import json
import subprocess
import sys
import tempfile

try:
    import jsonschema
    import yaml
except ImportError as error:
    print("skipped:", error)
    sys.exit(77)


def schema(what):
    text = subprocess.run([sys.argv[1], "schema", what], check=True, capture_output=True).stdout
    loaded = json.loads(text)
    jsonschema.Draft7Validator.check_schema(loaded)
    return jsonschema.Draft7Validator(loaded)


GOOD = yaml.safe_load("""
amtlab: 1
name: a scenario
actors:
  mps: { kind: mps, users: [{ name: ABCDEFGHIJKLMNOP, password: x }], idle_limit: 120s }
  dev: { kind: device, cira: { to: mps }, state: { mode: acm } }
  op: { kind: console, via: mps }
faults: [{ at: dev.apf.out, when: { msg: channel_open, nth: 2 }, do: { delay: 3ms } }]
steps:
  - { actor: dev, cira.connect: { trigger: user }, within: 2s }
  - { actor: op, wsman.get: { device: x, class: AMT_GeneralSettings, expect: { status: { in: [200] } } } }
  - { actor: mps, expect: { any_of: [{ event: device.online }, { closed: { by: peer } }] } }
  - { check: { x: { ge: 1 } }, when: "${dev.uuid}" }
""")

# Where, what: what `amtlab validate` refuses, an editor must underline.
BAD = [
    (["amtlab"], 2),
    (["stepz"], []),
    (["name"], None),
    (["clock"], "fast"),
    (["timeout"], 40),
    (["timeout"], "40"),
    (["spec"], [{"level": "must"}]),
    (["spec"], [{"id": "X-1", "level": "most"}]),
    (["matrix"], {"cut": 5}),
    (["actors", "dev", "kind"], "divice"),
    (["actors", "dev", "cira"], {"too": "mps"}),
    (["actors", "dev", "state", "mode"], "acn"),
    (["actors", "mps", "idle_limt"], "120s"),
    (["actors", "mps", "idle_limit"], 120),
    (["actors", "op", "vja"], "mps"),
    (["faults", 0, "do"], {"dorp": True}),
    (["faults", 0, "do"], {"delay": {"bye": "3ms"}}),
    (["faults", 0, "do"], {"delay": 3}),
    (["faults", 0, "when", "nth"], 0),
    (["faults", 0, "at"], None),
    (["steps"], {}),
    (["steps", 0], {}),
    (["steps", 0, "cira.conect"], {}),
    (["steps", 0, "cira.connect"], {"trigger": "usr"}),
    (["steps", 0, "cira.connect"], {"weit": True}),
    (["steps", 0, "within"], "2"),
    (["steps", 0, "grade"], "most"),
    (["steps", 0, "as"], "My Name"),
    (["steps", 1, "wsman.get"], {"device": "x"}),
    (["steps", 1, "wsman.get", "clas"], "X"),
    (["steps", 1, "retry"], {"every": "1s"}),
    (["steps", 2, "expect", "any_of", 1, "closed", "by"], "perr"),
    (["steps", 3, "check"], "x"),
]


def changed(path, value):
    document = copy.deepcopy(GOOD)
    place = document
    for key in path[:-1]:
        place = place[key]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return document


def validate(document):
    """Exit code of the parser: JSON is YAML."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        json.dump(document, file)
        file.flush()
        return subprocess.run([sys.argv[1], "validate", file.name], capture_output=True).returncode


def main():
    failures = 0
    scenario, profile = schema("scenario"), schema("profile")
    files = [f for folder in sys.argv[2:] for f in glob.glob(folder + "/**/*.yaml", recursive=True)]
    for name in sorted(files):
        with open(name, encoding="utf-8") as file:
            document = yaml.safe_load(file)
        if "amtlab" in document or "amtlab-part" in document:
            validator = scenario
        elif "amtlab-profile" in document:
            validator = profile
        else:
            continue
        for error in sorted(validator.iter_errors(document), key=lambda e: list(map(str, e.path))):
            failures += 1
            print(f"{name}: {'/'.join(map(str, error.path))}: {error.message[:200]}")
            for inner in list(error.context)[:4]:
                print(f"    {'/'.join(map(str, inner.path))}: {inner.message[:200]}")
    if not files:
        failures += 1
        print("no files at all")
    if not scenario.is_valid(GOOD):
        failures += 1
        print("the good document is refused:", next(scenario.iter_errors(GOOD)).message)
    if validate(GOOD) != 0:
        failures += 1
        print("validate refuses the good document")
    for path, value in BAD:
        if scenario.is_valid(changed(path, value)):
            failures += 1
            print(f"the schema accepts: {path} = {value!r}")
        if validate(changed(path, value)) != 3:
            failures += 1
            print(f"validate accepts: {path} = {value!r}")
    print(f"{len(files)} files, {len(BAD)} wrong documents, {failures} failures")
    return 1 if failures else 0


sys.exit(main())
