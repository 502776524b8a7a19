/*
 * Checks values with schemas, and reads YAML. Each line of input has one line of answer:
 *   S JSON   compiles it        "ok", "refused TEXT" or "unreadable TEXT"; without "ok" the schema before stays
 *   V JSON   checks it          "valid", "invalid TEXT" or "unreadable TEXT"
 *   Y PATH   reads a YAML file  "yaml JSON" or "unreadable TEXT"
 * TEXT is a JSON string.
 */
#include "base/mem.h"
#include "base/yaml.h"
#include "domain/schema.h"

#include <stdio.h>
#include <string.h>

static void answer(const char *word, const char *text)
{
    CLEANUP_JSON json_t *string = json_string(text);
    CLEANUP_FREE char *json = json_text(string);
    printf("%s %s\n", word, json);
}

static void answer_file(char *path)
{
    CLEANUP_JSON json_t *value = NULL;
    Error err;
    path[strcspn(path, "\n")] = '\0';
    if (!yaml_load(path, &value, &err)) {
        answer("unreadable", err.text);
        return;
    }
    CLEANUP_FREE char *json = json_text(value);
    printf("yaml %s\n", json);
}

int main(void)
{
    CLEANUP(schema_free) Schema *schema = NULL;
    char *line = NULL;
    size_t capacity = 0;
    ssize_t n;
    while ((n = getline(&line, &capacity, stdin)) > 2) {
        CLEANUP_JSON json_t *value = NULL;
        Schema *compiled = NULL;
        Error err;
        if (line[0] == 'Y') {
            answer_file(line + 2);
        } else if (!json_parse(line + 2, (size_t)n - 2, &value, &err)) {
            answer("unreadable", err.text);
        } else if (line[0] == 'S' && schema_compile(value, &compiled, &err)) {
            schema_free(schema);
            schema = compiled;
            puts("ok");
        } else if (line[0] == 'S') {
            answer("refused", err.text);
        } else if (!schema) {
            answer("invalid", "no schema was compiled");
        } else if (schema_check(schema, "value", value, &err)) {
            puts("valid");
        } else {
            answer("invalid", err.text);
        }
        fflush(stdout);
    }
    free(line);
    return 0;
}
