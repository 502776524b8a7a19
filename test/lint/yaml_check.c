/* Reads each YAML file named on the command line with libyaml and prints "file:line: what is wrong" for those that cannot be read. */
#include <stdbool.h>
#include <stdio.h>
#include <yaml.h>

static bool readable(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        printf("%s:1: cannot be opened\n", path);
        return false;
    }
    yaml_parser_t parser;
    yaml_parser_initialize(&parser);
    yaml_parser_set_input_file(&parser, file);
    bool ok = true, end = false;
    while (ok && !end) {
        yaml_document_t document;
        ok = yaml_parser_load(&parser, &document);
        if (!ok) {
            printf("%s:%zu: %s\n", path, parser.problem_mark.line + 1, parser.problem ? parser.problem : "unreadable");
            break;
        }
        end = !yaml_document_get_root_node(&document);
        yaml_document_delete(&document);
    }
    yaml_parser_delete(&parser);
    fclose(file);
    return ok;
}

int main(int argc, char **argv)
{
    bool ok = true;
    for (int i = 1; i < argc; i++)
        ok = readable(argv[i]) && ok;
    return ok ? 0 : 1;
}
