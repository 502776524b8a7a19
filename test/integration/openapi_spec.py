"""broker/openapi.yaml, read by the broker's own YAML reader, and its schemas as the broker's own validator checks them."""
import json
import re
import subprocess

from harness.build import ROOT, driver

PATH = "broker/openapi.yaml"
NOT_FOR_THE_VALIDATOR = ("example", "examples", "nullable", "deprecated")


class Validator:
    def __init__(self):
        self.process = subprocess.Popen([driver("schema_driver")], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.compiled = None

    def ask(self, order, text):
        self.process.stdin.write(f"{order} {text}\n")
        self.process.stdin.flush()
        word, _, rest = self.process.stdout.readline().strip().partition(" ")
        return word, json.loads(rest) if rest else ""

    def fault(self, schema, value):
        """What is wrong with the value, or None."""
        if schema != self.compiled:
            word, text = self.ask("S", json.dumps(schema))
            if word != "ok":
                return f"the schema: {text}"
            self.compiled = schema
        word, text = self.ask("V", json.dumps(value))
        return None if word == "valid" else f"{word}: {text}"

    def close(self):
        self.process.stdin.close()
        return self.process.wait(30)


def draft4(schema):
    """An OpenAPI schema as JSON Schema with its components below `definitions`."""
    if isinstance(schema, list):
        return [draft4(s) for s in schema]
    if not isinstance(schema, dict):
        return schema
    out = {}
    for key, value in schema.items():
        if key == "$ref":
            out[key] = value.replace("#/components/schemas/", "#/definitions/")
        elif key in ("properties", "definitions"):
            out[key] = {name: draft4(one) for name, one in value.items()}
        elif key in ("items", "additionalProperties"):
            out[key] = draft4(value)
        elif key not in NOT_FOR_THE_VALIDATOR:
            out[key] = value
    return out


class Spec:
    def __init__(self):
        self.validator = Validator()
        word, self.tree = self.validator.ask("Y", PATH)
        if word != "yaml":
            raise RuntimeError(f"{PATH}: {self.tree}")
        self.definitions = {name: draft4(one) for name, one in self.tree["components"]["schemas"].items()}
        self.operations = {(method.upper(), path): operation for path, item in self.tree["paths"].items()
                           for method, operation in item.items() if method != "parameters"}

    def resolve(self, value):
        while "$ref" in value:
            at = self.tree
            for name in value["$ref"].removeprefix("#/").split("/"):
                at = at[name]
            value = at
        return value

    def references(self):
        """Every $ref of the document."""
        return set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(self.tree)))

    def operation_of(self, method, target):
        """(method, path template) that a request line is for; None when there is none."""
        target = target.partition("?")[0]
        for one, path in self.operations:
            if one == method and re.fullmatch(re.sub(r"\{[a-z]+\}", "[^/]+", path), target):
                return one, path
        return None

    def fault(self, schema, value):
        return self.validator.fault({"definitions": self.definitions, **draft4(schema)} if "$ref" not in schema
                                    else {**self.definitions[schema["$ref"].rpartition("/")[2]], "definitions": self.definitions}, value)

    def responses(self, key):
        return {status: self.resolve(r) for status, r in self.operations[key]["responses"].items()}

    def contents(self):
        """(where, media type object) of every body of the document."""
        for (method, path), operation in self.operations.items():
            for media in operation.get("requestBody", {}).get("content", {}).values():
                yield f"{method} {path}: request", media
            for status, response in self.responses((method, path)).items():
                for media in response.get("content", {}).values():
                    yield f"{method} {path}: {status}", media
