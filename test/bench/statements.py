"""What the broker says to PostgreSQL for one request, read from the server's log, as a script for pgbench."""
import os
import re
import time

STATEMENT = re.compile(r"LOG:  (?:execute [^:]*|statement): (.*)")
DETAIL = re.compile(r"DETAIL:  parameters: (.*)")
PARAMETER = re.compile(r"\$(\d+) = (NULL|'(?:[^']|'')*')")


def capture(pg, request):
    """Calls request() and returns [(sql, [parameter or None])] of what PostgreSQL executed meanwhile."""
    try:
        start = os.path.getsize(pg.log)
        for sql in ("alter system set log_statement = 'all'", "select pg_reload_conf()"):
            pg.psql(sql, superuser=True, database="postgres")
        time.sleep(0.3)  # until each server process has seen it
        start = os.path.getsize(pg.log)
        request()
    finally:
        pg.psql("alter system reset log_statement", superuser=True, database="postgres")
        pg.psql("select pg_reload_conf()", superuser=True, database="postgres")
        time.sleep(0.3)
    found = []
    with open(pg.log, encoding="utf-8", errors="replace") as file:
        file.seek(start)
        for line in file:
            statement, detail = STATEMENT.search(line), DETAIL.search(line)
            if statement:
                found.append((statement.group(1).rstrip("; "), []))
            elif detail and found:
                values = PARAMETER.findall(detail.group(1))
                found[-1] = (found[-1][0], [None if v == "NULL" else v[1:-1].replace("''", "'") for _, v in values])
    return [(sql, values) for sql, values in found if not re.match(r"alter system|select pg_reload_conf", sql)]


def pgbench_script(statements, variable_of):
    """(script, -D options). variable_of(value) names the pgbench variable that stands for a value, or gives None for a constant."""
    lines, constants = [], {}

    def name_of(value):
        if value is None:
            return "null"
        if value == "":
            return "''"  # pgbench has no empty variables
        return ":" + (variable_of(value) or constants.setdefault(value, f"constant{len(constants)}"))

    for sql, values in statements:
        lines.append(re.sub(r"\$(\d+)", lambda m: name_of(values[int(m.group(1)) - 1]), sql) + ";")
    options = [part for value, name in constants.items() for part in ("-D", f"{name}={value}")]
    return "\n".join(lines) + "\n", options
