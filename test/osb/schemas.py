"""Published parameters schemas: what is wrong with one, a value that fits, values that do not."""
import re

DRAFT = "http://json-schema.org/draft-04/schema#"
TYPES = {"object", "array", "string", "integer", "number", "boolean", "null"}
KEYWORDS = {"$schema", "title", "description", "default", "type", "properties", "required", "additionalProperties", "enum", "minimum", "maximum",
            "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "pattern", "items", "minItems", "maxItems", "uniqueItems",
            "minProperties", "maxProperties", "format", "definitions", "$ref", "oneOf", "anyOf", "allOf", "not", "dependencies", "patternProperties", "id"}
NUMBERS = ("minimum", "maximum", "multipleOf", "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")


def faults(schema, path="$"):
    """What draft 4 forbids, or a keyword of a later draft."""
    if not isinstance(schema, dict):
        return [f"{path} is no object"]
    out = [f"{path}.{k} is not of draft 4" for k in schema if k not in KEYWORDS]
    kinds = schema.get("type", [])
    out += [f"{path}.type is {kinds}"] if not set([kinds] if isinstance(kinds, str) else kinds) <= TYPES else []
    out += [f"{path}.{k} is no number" for k in NUMBERS if k in schema and not isinstance(schema[k], (int, float))]
    out += [f"{path}.{k} is no boolean" for k in ("exclusiveMinimum", "exclusiveMaximum", "uniqueItems") if not isinstance(schema.get(k, True), bool)]
    out += [f"{path}.{k} is empty or no array" for k in ("required", "enum") if k in schema and not (isinstance(schema[k], list) and schema[k])]
    if "$ref" in schema and not schema["$ref"].startswith("#"):
        out.append(f"{path}.$ref leaves the document")
    for name in ("properties", "definitions", "patternProperties"):
        for key, value in schema.get(name, {}).items():
            out += faults(value, f"{path}.{key}")
    for name in ("items", "additionalProperties"):
        if isinstance(schema.get(name), dict):
            out += faults(schema[name], f"{path}.{name}")
    for name in ("oneOf", "anyOf", "allOf"):
        for i, value in enumerate(schema.get(name, [])):
            out += faults(value, f"{path}.{name}[{i}]")
    return out


def resolve(schema, root):
    while "$ref" in schema:
        at = root
        for name in schema["$ref"][2:].split("/"):
            at = at[name]
        schema = at
    return schema


def kind_of(schema):
    kind = schema.get("type")
    return kind[0] if isinstance(kind, list) else kind


def example(schema, root=None, other=False):
    """A value that fits; with `other` a second one, where there is one."""
    root = root or schema
    schema = resolve(schema, root)
    if "enum" in schema:
        return [v for v in schema["enum"] if v is not None][-1 if other else 0]
    kind = kind_of(schema)
    if kind in ("integer", "number"):
        low, high = schema.get("minimum"), schema.get("maximum")
        value = low + 1 if low is not None and low < 0 else low if low is not None else min(high, 1) if high is not None else 1
        step = schema.get("multipleOf", 1)
        value += step if other else 0
        return value if high is None or value <= high else high
    if kind == "boolean":
        return other
    if kind == "string":
        return ("b" if other else "a") * max(1, schema.get("minLength", 1))
    if kind == "array":
        return [example(schema["items"], root, other)] * max(1, schema.get("minItems", 1))
    names = list(schema.get("required", []))
    names += [name for name in schema.get("properties", {}) if name not in names][:max(0, schema.get("minProperties", 1) - len(names))]
    return {name: example(schema["properties"][name], root, other) for name in names}


def nullable(schema):
    """Names of the members that null resets, with the path to them."""
    out = [[name] for name, part in schema.get("properties", {}).items() if "null" in part.get("type", [])]
    return out + [[name] + path for name, part in schema.get("properties", {}).items() for path in nullable(part)]


def wrong_value(kind):
    return {"string": 5, "integer": "x", "number": "x", "boolean": "x", "array": {}, "object": []}.get(kind)


def violations(schema, root=None):
    """[(what, value)] of values that this schema refuses, each for one reason."""
    root = root or schema
    schema = resolve(schema, root)
    kind, out = kind_of(schema), []
    if wrong_value(kind) is not None:
        out.append(("another type", wrong_value(kind)))
    if "enum" in schema:
        out.append(("not of the list", "no-such-value" if kind == "string" else -12345))
    if "minimum" in schema and schema["minimum"] > -2 ** 62:
        out.append(("below the least", schema["minimum"] - 1))
    if "maximum" in schema and schema["maximum"] < 2 ** 62:
        out.append(("above the most", schema["maximum"] + 1))
    if kind == "integer":
        out.append(("a fraction", 1.5))
    if kind == "string" and "maxLength" in schema:
        out.append(("too long", "a" * (schema["maxLength"] + 1)))
    if kind == "string" and schema.get("minLength"):
        out.append(("too short", ""))
    if kind == "array":
        out += [(f"item: {what}", [value]) for what, value in violations(schema["items"], root)]
        out += [("too few", [])] if schema.get("minItems") else []
    for name, part in schema.get("properties", {}).items():
        base = {n: example(schema["properties"][n], root) for n in schema.get("required", []) if n != name}
        out += [(f"{name}: {what}", {**base, name: value}) for what, value in violations(part, root)]
    if schema.get("additionalProperties") is False:
        out.append(("unknown member", {"no such member": 1}))
    for name in schema.get("required", []):
        out.append((f"without {name}", {n: example(schema["properties"][n], root) for n in schema["required"] if n != name}))
    return out


def references(value):
    """All `$ref` at any depth."""
    if isinstance(value, dict):
        return [v for k, v in value.items() if k == "$ref"] + [r for v in value.values() for r in references(v)]
    return [r for v in value for r in references(v)] if isinstance(value, list) else []


def semantic_version(text):
    return bool(re.fullmatch(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-((0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?"
                             r"(\+([0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*))?", text))
