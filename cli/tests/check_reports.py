#!/usr/bin/env python3
"""Checks reports of a run as their readers would. usage: check_reports.py FOLDER (with results.json, r.sarif, …)"""
import json
import os
import re
import sys
import xml.etree.ElementTree as tree

import jsonschema

TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}
LEVEL = {"enum": ["none", "note", "warning", "error"]}
LOCATION = {
    "type": "object", "additionalProperties": False, "required": ["physicalLocation"],
    "properties": {
        "id": {"type": "integer", "minimum": 0}, "message": TEXT,
        "physicalLocation": {
            "type": "object", "additionalProperties": False, "required": ["artifactLocation"],
            "properties": {
                "artifactLocation": {
                    "type": "object", "additionalProperties": False, "required": ["uri"],
                    "properties": {"uri": {"type": "string", "pattern": "^[A-Za-z0-9._~%/:-]+$"},
                                   "uriBaseId": {"type": "string"}}},
                "region": {
                    "type": "object", "additionalProperties": False,
                    "properties": {k: {"type": "integer", "minimum": 1}
                                   for k in ("startLine", "startColumn", "endColumn")},
                    "dependentRequired": {"startColumn": ["startLine"], "endColumn": ["startColumn"]}}}},
        "logicalLocations": {"type": "array", "items": {
            "type": "object", "additionalProperties": False, "properties": {"fullyQualifiedName": {"type": "string"}}}},
    }}
# What SARIF 2.1.0 (OASIS, section 3) says of the objects that are written here.
SARIF = {
    "type": "object", "additionalProperties": False, "required": ["version", "runs"],
    "properties": {
        "$schema": {"type": "string", "format": "uri"}, "version": {"const": "2.1.0"},
        "runs": {"type": "array", "minItems": 1, "items": {
            "type": "object", "additionalProperties": False, "required": ["tool"],
            "properties": {
                "tool": {"type": "object", "additionalProperties": False, "required": ["driver"], "properties": {
                    "driver": {
                        "type": "object", "additionalProperties": False, "required": ["name"],
                        "properties": {
                            "name": {"type": "string"}, "version": {"type": "string"},
                            "rules": {"type": "array", "uniqueItems": True, "items": {
                                "type": "object", "additionalProperties": False, "required": ["id"],
                                "properties": {
                                    "id": {"type": "string"}, "shortDescription": TEXT, "fullDescription": TEXT,
                                    "defaultConfiguration": {"type": "object", "properties": {"level": LEVEL}},
                                    "properties": {"type": "object"}}}}}}}},
                "automationDetails": {"type": "object", "properties": {"id": {"type": "string"}}},
                "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                "results": {"type": "array", "items": {
                    "type": "object", "additionalProperties": False, "required": ["message"],
                    "properties": {
                        "ruleId": {"type": "string"}, "ruleIndex": {"type": "integer", "minimum": 0}, "level": LEVEL,
                        "message": TEXT, "locations": {"type": "array", "maxItems": 1, "items": LOCATION},
                        "relatedLocations": {"type": "array", "uniqueItems": True, "items": LOCATION},
                        "partialFingerprints": {"type": "object", "additionalProperties": {"type": "string"}},
                        "suppressions": {"type": "array", "items": {
                            "type": "object", "additionalProperties": False, "required": ["kind"],
                            "properties": {"kind": {"enum": ["inSource", "external"]},
                                           "justification": {"type": "string"}}}},
                        "properties": {"type": "object"}}}}}}}}}


def load(folder, name):
    with open(os.path.join(folder, name), encoding="utf-8") as file:
        return json.load(file)


def check_sarif(folder, results):
    sarif = load(folder, "r.sarif")
    jsonschema.validate(sarif, SARIF)
    run = sarif["runs"][0]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert len(rules) == len(set(rules)), "a rule twice"
    cited = {spec["id"] for case in results["cases"] for spec in case["spec"]}
    assert cited <= set(rules), "a requirement without its rule"
    prints = [(r["ruleId"], tuple(r["partialFingerprints"].values())) for r in run["results"]]
    assert len(prints) == len(set(prints)), "two results that readers take for one"
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
    by_rule = [r["ruleId"] for r in run["results"] if not r["ruleId"].startswith("amtlab/")]
    assert len(by_rule) == len(set(by_rule)), "a requirement with two results"
    bad = {c["id"] for c in results["cases"] if c["verdict"] in ("failed", "error", "unexpected_pass")}
    assert not bad or run["results"], "failures without a result"
    return len(run["results"])


def check_junit(folder, results):
    root = tree.parse(os.path.join(folder, "r.xml")).getroot()
    cases = [c for suite in root.iter("testsuite") for c in suite.findall("testcase")]
    assert len(cases) == len(results["cases"]), f"{len(cases)} test cases"
    failed = sum(1 for c in cases if c.find("failure") is not None)
    wanted = sum(1 for c in results["cases"] if c["verdict"] in ("failed", "unexpected_pass"))
    assert failed == wanted, f"{failed} failures instead of {wanted}"


def check_lines(folder, results):
    with open(os.path.join(folder, "r.jsonl"), encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    assert lines[0]["type"] == "run" and lines[-1]["type"] == "totals"
    assert [line["id"] for line in lines if line["type"] == "case"] == [c["id"] for c in results["cases"]]


def check_annotations(folder):
    with open(os.path.join(folder, "annotations.txt"), encoding="utf-8") as file:
        lines = file.read().splitlines()
    for kind in ("error", "warning", "notice"):
        assert sum(1 for line in lines if line.startswith(f"::{kind} ")) <= 10, f"more than ten of {kind}"
    command = re.compile(r"^::(error|warning|notice) (\w+=[^,:]*)(,\w+=[^,:]*)*::[^\r\n]+$")
    for line in lines:
        assert command.match(line), f"no workflow command: {line}"
    return len(lines)


def main():
    folder = sys.argv[1]
    results = load(folder, "results.json")
    sarif = check_sarif(folder, results)
    check_junit(folder, results)
    check_lines(folder, results)
    annotations = check_annotations(folder)
    badge = load(folder, "badge.json")
    assert badge["schemaVersion"] == 1 and re.match(r"^\d+/\d+ (must|cases)$", badge["message"]), badge
    tree.parse(os.path.join(folder, "badge.svg"))
    print(f"{len(results['cases'])} cases, {sarif} SARIF results, {annotations} annotations")


main()
