"""Rules for C: layers, sizes, state, banned functions, headers that stand alone, first lines."""
import concurrent.futures
import re
import shlex
import subprocess
from functools import lru_cache

import ctokens

MAX_FILE, MAX_FUNCTION, MAX_PARAMETERS = 400, 60, 6
BANNED = {
    "strcpy": "use xstrdup or str_append", "strcat": "use str_append", "sprintf": "use xasprintf or snprintf",
    "vsprintf": "use vsnprintf", "strtok": "use strtok_r or strcspn", "atoi": "use strtol and check its end",
    "gets": "use fgets", "system": "use posix_spawn with an argument list",
}
# The C library and the kernel's own headers; everything else is a third party's and needs a row in broker/LAYERS.
SYSTEM = set("""assert ctype dirent dlfcn errno fcntl float inttypes limits locale malloc math netdb poll pthread pwd sched semaphore
setjmp signal spawn stdalign stdarg stdatomic stdbool stddef stdint stdio stdlib stdnoreturn string strings syslog
termios time unistd wchar endian byteswap getopt glob grp""".split())
SYSTEM_FOLDERS = ("sys/", "arpa/", "net/", "netinet/", "linux/")
COMMON = ("jansson.h",)
INCLUDE = re.compile(r'#\s*include\s*([<"])([^>"]+)[>"]')


def c_files(tree):
    return tree.files(".c", ".h")


@lru_cache(maxsize=None)
def tokens_of(text):
    return ctokens.tokenize(text)


def units_of(tree, path):
    try:
        return list(ctokens.units(tokens_of(tree.text(path))))
    except ValueError:
        return []


def brackets(tree):
    """brackets: brackets balance, so that the other rules see whole functions."""
    for path in c_files(tree):
        try:
            list(ctokens.units(tokens_of(tree.text(path))))
        except ValueError as error:
            yield path, error.args[0], "brackets do not balance from here; balance them in each branch of #if"


def first_line(tree):
    """first-line: line 1 of a C file is a comment that says its purpose."""
    for path in c_files(tree):
        if not re.match(r"/\*(?:\n \*)?\s*\w|//\s*\w", tree.text(path)):
            yield path, 1, "begin with a comment that says what the file is for"


def file_size(tree):
    """file-size: at most 400 lines in a C file."""
    for path in c_files(tree):
        lines = tree.text(path).count("\n")
        if lines > MAX_FILE:
            yield path, lines, f"{lines} lines, at most {MAX_FILE}: split the file by concern"


def function_size(tree):
    """function-size: at most 60 lines in a function."""
    for path in c_files(tree):
        for unit in units_of(tree, path):
            lines = unit.end - unit.line + 1
            if unit.kind == "function" and lines > MAX_FUNCTION:
                name = (ctokens.parameters(unit.head) or ("?",))[0]
                yield path, unit.line, f"{name} has {lines} lines, at most {MAX_FUNCTION}: give its parts names"


def parameter_count(tree):
    """parameters: at most 6 parameters, but where libmicrohttpd calls back with its own list."""
    for path in c_files(tree):
        for unit in units_of(tree, path):
            name, count = ctokens.parameters(unit.head) or ("", 0)
            if count > MAX_PARAMETERS and not any(t.text == "MHD_Result" for t in unit.head):
                yield path, unit.line, f"{name} has {count} parameters, at most {MAX_PARAMETERS}: pass a struct"


def allowed_globals(tree):
    """{(file, variable): line} of test/lint/globals.txt."""
    allowed = {}
    for number, line in enumerate(tree.text("test/lint/globals.txt").splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            name, _, reason = line.partition(" ")
            allowed[tuple(name.rpartition(":")[::2])] = (number, reason.strip())
    return allowed


def state(tree):
    """globals: no variable outside functions, and no static one inside, that can change (test/lint/globals.txt lists the exceptions)."""
    allowed, seen = allowed_globals(tree), set()
    for path in c_files(tree):
        for unit in units_of(tree, path):
            heads = [unit.head] if unit.kind == "declaration" else ctokens.static_locals(unit.body)
            for head in heads:
                for name, line in ctokens.mutable_variables(head):
                    seen.add((path, name))
                    if (path, name) not in allowed:
                        yield path, line, f"{name} can change: make it const, pass it, or name it with a reason in test/lint/globals.txt"
    for (path, name), (number, reason) in allowed.items():
        if (path, name) not in seen:
            yield "test/lint/globals.txt", number, f"{path} has no such variable {name}: remove the line"
        elif not reason:
            yield "test/lint/globals.txt", number, f"{name}: say after a blank why it may change"


def banned(tree):
    """banned: no function that cannot know its buffer, hides errors or starts a shell."""
    for path in c_files(tree):
        tokens = tokens_of(tree.text(path))
        for at, token in enumerate(tokens):
            before, after = tokens[at - 1].text if at else "", tokens[at + 1].text if at + 1 < len(tokens) else ""
            used = after == "(" or before in ("=", ",", "(", "&", "?", ":")
            if token.kind == "ident" and token.text in BANNED and used and before not in (".", "->"):
                yield path, token.line, f"{token.text} is banned: {BANNED[token.text]}"


def read_layers(tree):
    """{folder: (project folders, third-party headers)} of broker/LAYERS."""
    layers = {}
    for line in tree.text("broker/LAYERS").splitlines():
        if line.strip() and not line.startswith("#"):
            cells = [cell.replace("-", " ").split() if cell.strip() == "-" else cell.split() for cell in line.split("|")]
            layers[cells[0][0]] = (set(cells[1]), cells[2])
    return layers


def includes(tree, path):
    for token in tokens_of(tree.text(path)):
        match = token.kind == "directive" and INCLUDE.match(token.text)
        if match:
            yield token.line, match.group(1), match.group(2)


def third_party_fault(header, folder, layers):
    if header in COMMON or header.startswith(SYSTEM_FOLDERS) or header.removesuffix(".h") in SYSTEM:
        return None
    if any(header == name or (name.endswith("/") and header.startswith(name)) for name in layers[folder][1]):
        return None
    owners = [f for f, (_, names) in layers.items() if any(header.startswith(name) for name in names)]
    if owners:
        return f"<{header}> belongs to {', '.join(owners)}: call that folder's functions"
    return f"<{header}> is in no row of broker/LAYERS: use what is there, or add it to the folder's row"


def project_fault(tree, header, folder, layers):
    if f"broker/{header}" not in tree.names:
        return f'"{header}" is no file under broker/: write the path from broker/, as in "base/str.h"'
    target = header.rpartition("/")[0] or "."
    if target in layers[folder][0] | {folder, "base"}:
        return None
    return f"{folder} must not include {target} (broker/LAYERS): turn the dependency round or pass what is needed"


def layers(tree):
    """layers: #include only along broker/LAYERS."""
    table = read_layers(tree)
    for path in c_files(tree):
        if not path.startswith("broker/"):
            continue
        folder = path[len("broker/"):].rpartition("/")[0] or "."
        if folder not in table:
            yield path, 1, f"folder {folder} has no row in broker/LAYERS: add one"
            continue
        for line, quote, header in includes(tree, path):
            fault = third_party_fault(header, folder, table) if quote == "<" else project_fault(tree, header, folder, table)
            if fault:
                yield path, line, fault


def compiler_flags():
    packages = "libmicrohttpd jansson libcurl libpq openssl yaml-0.1".split()
    found = subprocess.run(["pkg-config", "--cflags", *packages], capture_output=True, text=True)
    warnings = "-Wall -Wextra -Werror -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wvla -Wformat=2"
    return ["-std=gnu11", "-D_GNU_SOURCE", "-Ibroker", *warnings.split(), *shlex.split(found.stdout)]


def headers(tree):
    """headers: each header compiles alone."""
    flags = compiler_flags()

    def compile_alone(path):
        unit = f'#include "{path}"\n'
        return subprocess.run(["gcc", "-fsyntax-only", *flags, "-I.", "-x", "c", "-"], input=unit, cwd=tree.root,
                              capture_output=True, text=True)

    paths = [path for path in tree.files(".h") if path.startswith("broker/")]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for path, done in zip(paths, pool.map(compile_alone, paths)):
            if done.returncode:
                first = next((x for x in done.stderr.splitlines() if "error:" in x), done.stderr.strip())
                line = re.search(re.escape(path) + r":(\d+)", first)
                yield path, int(line.group(1)) if line else 1, f"does not compile alone: {first.split('error:')[-1].strip()}"


RULES = [brackets, first_line, file_size, function_size, parameter_count, state, banned, layers, headers]
