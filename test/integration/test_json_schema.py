"""The validator against the official JSON Schema Test Suite (Debian package json-schema-test-suite): draft-04, `const` and formats. A group whose
schema is refused must have something in it that is outside of the validator's keywords; it is listed."""
# variants: test asan
import json
import os
import subprocess

from harness.build import driver
from harness.report import Report

SUITE = "/usr/share/json-schema-test-suite/tests"
KEYWORDS = set("""$schema title description default type properties required additionalProperties enum const minimum maximum exclusiveMinimum
exclusiveMaximum multipleOf minLength maxLength pattern items minItems maxItems uniqueItems minProperties maxProperties format definitions
$ref""".split())
FORMATS = {"date-time", "uri", "hostname", "ipv4", "ipv6", "email", "uuid"}
# Beside all of draft4: what later drafts test of the same keywords.
OTHERS = ["draft6/const.json", "draft6/optional/format.json", "draft7/const.json"] + [
    f"draft7/optional/format/{name}.json" for name in ("date-time", "email", "hostname", "ipv4", "ipv6", "uri")]
report = Report()


class Validator:
    def __init__(self):
        self.process = subprocess.Popen([driver("schema_driver")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, kind, value):
        self.process.stdin.write(f"{kind} {json.dumps(value)}\n")
        self.process.stdin.flush()
        word, _, text = self.process.stdout.readline().strip().partition(" ")
        return word, json.loads(text) if text else ""

    def close(self):
        self.process.stdin.close()
        return self.process.wait(30)


def integers(value):
    if isinstance(value, dict):
        return [i for v in value.values() for i in integers(v)]
    if isinstance(value, list):
        return [i for v in value for i in integers(v)]
    return [value] if isinstance(value, int) else []


def huge(value):
    """Whether it has an integer of more than 64 bits, which the JSON parser refuses."""
    return any(not -2**63 <= i < 2**63 for i in integers(value))


def outside(schema):
    """What a schema has that the validator does not offer."""
    if not isinstance(schema, dict):
        return ["a schema that is no object"]
    found = [f"keyword {k}" for k in schema if k not in KEYWORDS]
    if isinstance(schema.get("items"), list):
        found.append("a list of items")
    elif "items" in schema:
        found += outside(schema["items"])
    if not str(schema.get("$ref", "#/definitions/")).startswith("#/definitions/"):
        found.append(f"$ref {schema['$ref']}")
    if schema.get("format", "uri") not in FORMATS:
        found.append(f"format {schema['format']}")
    for name in ("properties", "definitions"):
        for one in schema.get(name, {}).values():
            found += outside(one)
    if isinstance(schema.get("additionalProperties"), dict):
        found += outside(schema["additionalProperties"])
    return found


def run_group(validator, name, group, refused):
    word, text = validator.ask("S", group["schema"])
    if word != "ok":
        reasons = ["an integer of more than 64 bits"] if huge(group["schema"]) else outside(group["schema"])
        refused.append(f"{name}: {', '.join(reasons)}")
        report.check(f"{name}: refused for what it has beyond the keywords", reasons and word == ("unreadable" if huge(group["schema"]) else "refused"), text)
        return
    for case in group["tests"]:
        word, text = validator.ask("V", case["data"])
        wanted = "unreadable" if huge(case["data"]) else "valid" if case["valid"] else "invalid"
        report.check(f"{name}: {case['description']}{' (refused by the parser)' if wanted == 'unreadable' else ''}", word == wanted, f"{word} {text}")
        if word == "invalid":
            report.check("… its text begins with the path and fits", text.startswith("value") and len(text.encode()) < 1024, text)


def run_files(validator):
    refused = []
    names = [os.path.join("draft4", folder, name) for folder in ("", "optional") for name in sorted(os.listdir(f"{SUITE}/draft4/{folder}"))]
    names = [os.path.normpath(name) for name in names if name.endswith(".json")] + OTHERS
    for name in names:
        with open(f"{SUITE}/{name}", encoding="utf-8") as file:
            for group in json.load(file):
                run_group(validator, f"{name[:-5]}: {group['description']}", group, refused)
    print(f"-- {len(refused)} groups were not run:")
    print("\n".join(refused))


def main():
    validator = Validator()
    report.section("the suite", run_files, validator)
    report.equal("the driver ended well", validator.close(), 0)
    report.close()


if __name__ == "__main__":
    main()
