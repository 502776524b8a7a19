"""Kafka's wire format: a message table and a version say how a dict is written and read (KIP-482 for the flexible versions)."""
import base64
import re
import struct

NUMBERS = {"int8": ">b", "int16": ">h", "uint16": ">H", "int32": ">i", "int64": ">q", "float64": ">d"}


class Malformed(Exception):
    """The bytes do not fit the table."""


class Field:
    """One row: name, type, versions, and "null=V+", "tag=N", "default=X" as far as they apply."""

    def __init__(self, row):
        name, kind, versions, *rest = row.split()
        options = dict(part.split("=") for part in rest)
        self.name, self.array = name, kind.startswith("[]")
        self.kind = kind[2:] if self.array else kind
        first, last = re.fullmatch(r"(\d+)(?:\+|-(\d+))?", versions).groups()
        self.first = int(first)
        self.last = int(last) if last else 999 if versions.endswith("+") else self.first
        self.nullable = int(options["null"].rstrip("+")) if "null" in options else 999
        self.tag = int(options["tag"]) if "tag" in options else None
        self.fields = []
        self.default = self.standard(options.get("default"))

    def standard(self, text):
        if text is not None:
            return None if text == "null" else int(text) if self.kind in NUMBERS else text == "true"
        if self.array:
            return []
        return {"string": "", "bytes": b"", "records": None, "bool": False, "uuid": bytes(16)}.get(self.kind, {} if self.kind == "struct" else 0)

    def at(self, version):
        return self.first <= version <= self.last


def table(text):
    """The rows of a table; deeper indentation makes the fields of the row above."""
    top, stack = [], []
    for line in text.splitlines():
        if not line.strip():
            continue
        depth = len(line) - len(line.lstrip())
        while stack and stack[-1][0] >= depth:
            stack.pop()
        field = Field(line)
        (stack[-1][1].fields if stack else top).append(field)
        stack.append((depth, field))
    return top


class Writer:
    def __init__(self, version, flexible):
        self.version, self.flexible, self.out = version, flexible, bytearray()

    def number(self, kind, value):
        self.out += struct.pack(NUMBERS[kind], value)

    def uvarint(self, value):
        while value > 127:
            self.out.append(value & 127 | 128)
            value >>= 7
        self.out.append(value)

    def length(self, count, kind):
        """count None = null."""
        if self.flexible:
            self.uvarint(0 if count is None else count + 1)
        else:
            self.number(kind, -1 if count is None else count)

    def value(self, field, value):
        kind = field.kind
        if kind in NUMBERS:
            self.number(kind, value)
        elif kind == "bool":
            self.out.append(1 if value else 0)
        elif kind == "uuid":
            self.out += value
        elif kind == "struct":
            self.struct(field.fields, value)
        else:
            data = value.encode() if isinstance(value, str) else value
            self.length(None if data is None else len(data), "int16" if kind == "string" else "int32")
            self.out += data or b""

    def field(self, field, value):
        if not field.array:
            self.value(field, value)
            return
        self.length(None if value is None else len(value), "int32")
        for item in value or []:
            self.value(field, item)

    def struct(self, fields, value):
        tagged = []
        for field in fields:
            if not field.at(self.version):
                continue
            item = value.get(field.name, field.default)
            if field.tag is None:
                self.field(field, item)
            elif item != field.default:
                inner = Writer(self.version, True)
                inner.field(field, item)
                tagged.append((field.tag, inner.out))
        if self.flexible:
            self.uvarint(len(tagged))
            for tag, data in sorted(tagged):
                self.uvarint(tag)
                self.uvarint(len(data))
                self.out += data


class Reader:
    def __init__(self, data, version=0, flexible=False):
        self.data, self.at, self.version, self.flexible = data, 0, version, flexible

    def take(self, count):
        if count < 0 or self.at + count > len(self.data):
            raise Malformed(f"{count} bytes wanted at {self.at} of {len(self.data)}")
        self.at += count
        return bytes(self.data[self.at - count:self.at])

    def number(self, kind):
        return struct.unpack(NUMBERS[kind], self.take(struct.calcsize(NUMBERS[kind])))[0]

    def uvarint(self):
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7
            if shift > 28:
                raise Malformed("a length of more than five bytes")

    def length(self, kind):
        count = self.uvarint() - 1 if self.flexible else self.number(kind)
        return None if count < 0 else count

    def value(self, field):
        kind = field.kind
        if kind in NUMBERS:
            return self.number(kind)
        if kind == "bool":
            return self.take(1) != b"\0"
        if kind == "uuid":
            return self.take(16)
        if kind == "struct":
            return self.struct(field.fields)
        count = self.length("int16" if kind == "string" else "int32")
        if count is None:
            self.null(field)
            return None
        data = self.take(count)
        return data.decode() if kind == "string" else data

    def null(self, field):
        if self.version < field.nullable:
            raise Malformed(f"{field.name} is null")

    def field(self, field):
        if not field.array:
            return self.value(field)
        count = self.length("int32")
        if count is None:
            self.null(field)
            return None
        if count > len(self.data):
            raise Malformed(f"{field.name} claims {count} items")
        return [self.value(field) for _ in range(count)]

    def tags(self):
        """{tag: bytes}"""
        return {self.uvarint(): self.take(self.uvarint()) for _ in range(self.uvarint())} if self.flexible else {}

    def struct(self, fields):
        value = {}
        for field in fields:
            if field.at(self.version) and field.tag is None:
                value[field.name] = self.field(field)
            else:
                value[field.name] = field.default
        sent = self.tags()
        for field in fields:
            if field.at(self.version) and field.tag in sent and field.tag is not None:
                value[field.name] = Reader(sent[field.tag], self.version, True).field(field)
        return value


def read(fields, data, version, flexible):
    reader = Reader(data, version, flexible)
    value = reader.struct(fields)
    if reader.at != len(data):
        raise Malformed(f"{len(data) - reader.at} bytes are left over")
    return value


def write(fields, value, version, flexible):
    writer = Writer(version, flexible)
    writer.struct(fields, value)
    return bytes(writer.out)


def plain(value):
    """As JSON can hold it: bytes become base64 text."""
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value
