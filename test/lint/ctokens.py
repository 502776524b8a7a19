"""A small C scanner: tokens with line numbers, and the declarations and functions at file scope."""
import re
from dataclasses import dataclass, field

TOKEN = re.compile(
    r"""(?P<comment>/\*.*?\*/|//(?:\\\n|[^\n])*)
      | (?P<string>(?:u8|[LuU])?"(?:\\.|[^"\\\n])*")
      | (?P<char>[LuU]?'(?:\\.|[^'\\\n])*')
      | (?P<ident>[A-Za-z_]\w*)
      | (?P<number>\.?\d(?:[eEpP][+-]|[\w.])*)
      | (?P<punct>->|\.\.\.|\+\+|--|[<>=!]=|&&|\|\||<<|>>|.)
      | (?P<space>\s+|\\\n)""",
    re.X | re.S,
)
OPEN, CLOSE = "({[", ")}]"


@dataclass
class Token:
    kind: str  # ident, number, string, char, punct, directive
    text: str
    line: int


@dataclass
class Unit:
    """A declaration or function at file scope. `head` is everything before the body; `body` has the outer braces."""
    kind: str  # function, declaration
    head: list
    body: list = field(default_factory=list)

    @property
    def line(self):
        return self.head[0].line

    @property
    def end(self):
        return (self.body or self.head)[-1].line


def directive_end(text, at):
    """Index of the newline that ends the preprocessor line at `at`: comments and continued lines belong to it."""
    while at < len(text) and text[at] != "\n":
        if text.startswith("/*", at):
            at = text.find("*/", at + 2)
            at = len(text) if at < 0 else at + 2
        elif text[at] == "\\":
            at += 2
        else:
            at += 1
    return min(at, len(text))


def tokenize(text):
    tokens, at, line, fresh = [], 0, 1, True
    while at < len(text):
        if fresh and text[at] == "#":
            end = directive_end(text, at)
            tokens.append(Token("directive", text[at:end], line))
        else:
            match = TOKEN.match(text, at)
            kind, end = match.lastgroup, match.end()
            if kind == "space" or (kind == "punct" and match.group().isspace()):
                fresh = fresh or "\n" in match.group()
            elif kind != "comment":
                tokens.append(Token(kind, match.group(), line))
                fresh = False
        line += text.count("\n", at, end)
        at = end
    return tokens


def group_end(tokens, at):
    """Index of the bracket that closes the one at `at`; the last index when nothing closes it."""
    depth = 0
    for i in range(at, len(tokens)):
        if tokens[i].kind == "punct":
            depth += tokens[i].text in OPEN
            depth -= tokens[i].text in CLOSE
        if depth == 0:
            return i
    return len(tokens) - 1


def without_groups(tokens, brackets):
    """The tokens outside every group that one of `brackets` opens."""
    out, at = [], 0
    while at < len(tokens):
        if tokens[at].kind == "punct" and tokens[at].text in brackets:
            at = group_end(tokens, at)
        else:
            out.append(tokens[at])
        at += 1
    return out


def without_attributes(tokens):
    """Drops __attribute__((…)) and a leading MACRO(…) such as DEFINE_CLEANUP(T *, f)."""
    out, at = [], 0
    while at < len(tokens):
        token = tokens[at]
        called = at + 1 < len(tokens) and tokens[at + 1].text == "("
        macro = not out and token.kind == "ident" and token.text.isupper()
        if called and (token.text == "__attribute__" or macro):
            at = group_end(tokens, at + 1)
        else:
            out.append(token)
        at += 1
    return out


def opens_function(head):
    head = without_attributes(head)
    while head and head[-1].kind == "ident" and head[-1].text.isupper():
        head = head[:-1]
    return bool(head) and head[-1].text == ")" and not any(t.text == "=" for t in without_groups(head, "([{"))


def units(tokens):
    """Splits tokens into file-scope units. Raises ValueError with a line when the brackets do not balance."""
    tokens = [t for t in tokens if t.kind != "directive"]
    head, at = [], 0
    while at < len(tokens):
        token = tokens[at]
        if token.kind == "punct" and token.text in CLOSE:
            raise ValueError(token.line)
        if token.text == "{" and head and opens_function(head):
            end = group_end(tokens, at)
            if tokens[end].text != "}":
                raise ValueError(token.line)
            yield Unit("function", head, tokens[at:end + 1])
            head, at = [], end
        elif token.kind == "punct" and token.text in OPEN:
            end = group_end(tokens, at)
            if tokens[end].text not in CLOSE:
                raise ValueError(token.line)
            head += tokens[at:end + 1]
            at = end
        elif token.text == ";" and token.kind == "punct":
            if head:
                yield Unit("declaration", head)
            head = []
        else:
            head.append(token)
        at += 1
    if without_attributes(head):
        raise ValueError(head[0].line)


def parameters(head):
    """(name, number of parameters) of a function's head or prototype, `...` not counted; None for anything else."""
    head = without_attributes(head)
    if not head or head[0].text == "typedef" or any(t.text == "=" for t in without_groups(head, "([{")):
        return None
    at = 0
    while at + 1 < len(head):
        if head[at].text in "{[" and head[at].kind == "punct":
            at = group_end(head, at)
        elif head[at].kind == "ident" and head[at + 1].text == "(":
            if at + 2 < len(head) and head[at + 2].text in "*^":
                return None  # a pointer to a function
            inside = head[at + 2:group_end(head, at + 1)]
            if [t.text for t in inside] in ([], ["void"]):
                return head[at].text, 0
            outer = without_groups(inside, "([{")
            commas = sum(t.text == "," for t in outer)
            return head[at].text, commas + 1 - (inside[-1].text == "...")
        at += 1
    return None


def split_commas(tokens):
    pieces, piece, at = [], [], 0
    while at < len(tokens):
        if tokens[at].kind == "punct" and tokens[at].text in OPEN:
            end = group_end(tokens, at)
            piece += tokens[at:end + 1]
            at = end
        elif tokens[at].text == ",":
            pieces.append(piece)
            piece = []
        else:
            piece.append(tokens[at])
        at += 1
    return pieces + [piece]


def is_constant(piece):
    stars = [i for i, t in enumerate(piece) if t.text == "*"]
    if stars:
        return stars[-1] + 1 < len(piece) and piece[stars[-1] + 1].text == "const"
    return any(t.text == "const" for t in piece)


def only_type(words):
    """Whether a declaration only names or defines a struct, union or enum."""
    return words[0] in ("struct", "union", "enum") and (len(words) == 2 or words[-1] == "}") and "=" not in words


def pointer_to_function(piece):
    """What the inner brackets of `type (*name)(parameters)` hold, after the type; None for anything else."""
    for at in range(len(piece) - 1):
        if piece[at].text == "(" and piece[at + 1].text == "*":
            end = group_end(piece, at)
            return piece[:at] + piece[at + 1:end]
    return None


def mutable_variables(head):
    """[(name, line)] of the variables that a declaration makes and that can change afterwards."""
    head = without_attributes(head)
    words = [t.text for t in head]
    if not words or words[0] in ("typedef", "_Static_assert", "static_assert") or parameters(head):
        return []
    if "extern" in words and "=" not in words:
        return []
    found, base = [], []
    for number, piece in enumerate(split_commas(head)):
        before = piece[:next((i for i, t in enumerate(piece) if t.text == "="), len(piece))]
        before = pointer_to_function(before) or without_groups(before, "{[(")
        names = [t for t in before if t.kind == "ident"]
        if number == 0:
            if len(names) < 2 or only_type(words):
                return []
            base = before[:next((i for i, t in enumerate(before) if t.text == "*"), len(before))]
        declarator = before
        stars = [i for i, t in enumerate(before) if t.text == "*"]
        if stars:  # the name follows the last star, also in (*name)(int)
            rest = [t for t in before[stars[-1] + 1:] if t.kind == "ident" and t.text != "const"]
            names = rest[:1] or names
        if number and not stars:
            declarator = base
        if names and not is_constant(declarator):
            found.append((names[-1].text, names[-1].line))
    return found


def static_locals(body):
    """Declarations inside a function that begin with `static` or `_Thread_local`: lists of tokens."""
    for at, token in enumerate(body):
        if token.text not in ("static", "_Thread_local") or body[at - 1].text in ("static", "_Thread_local"):
            continue
        declaration, i = [], at
        while i < len(body) and body[i].text != ";":
            if body[i].kind == "punct" and body[i].text in OPEN:
                end = group_end(body, i)
                declaration += body[i:end + 1]
                i = end
            else:
                declaration.append(body[i])
            i += 1
        yield declaration
