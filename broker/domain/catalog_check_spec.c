/* Checks of a plan's `spec`: what rendering and operating it needs. */
#include "base/mem.h"

#include "base/words.h"
#include "domain/catalog_check_own.h"
#include "domain/quantity.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef struct Spec {
    const json_t *spec, *overlay;
    Faults *faults;
    char *file; /* of the plan */
} Spec;

/* A path below spec: said of the overlay when the value came from there. */
static void say(Spec *s, const char *path, const char *format, ...) PRINTF_LIKE(3, 4);

static void say(Spec *s, const char *path, const char *format, ...)
{
    char text[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    bool overlaid = json_at(s->overlay, path) != NULL;
    if (overlaid)
        faults_in(s->faults, "size_overlay");
    fault_add(s->faults, "%s%s %s", overlaid ? "" : "spec.", path, text);
    if (overlaid)
        faults_in(s->faults, s->file);
}

static void say_range(Spec *s, const char *path, json_int_t least, json_int_t most, const char *unit)
{
    const json_t *v = json_at(s->spec, path);
    if (!json_is_integer(v) || json_integer_value(v) < least || json_integer_value(v) > most)
        say(s, path, "must be a number from %d to %d%s", (int)least, (int)most, unit);
}

static void check_quantity(Spec *s, const char *path, bool (*parse)(const char *, int64_t *, Error *))
{
    const json_t *v = json_at(s->spec, path);
    int64_t n;
    Error err;
    if (!v)
        say(s, path, "is missing");
    else if (!json_is_string(v))
        say(s, path, "must be a text: put it in quotes");
    else if (!parse(json_string_value(v), &n, &err))
        say(s, path, "must be a quantity: %s", err.text);
}

static void check_word(Spec *s, const char *path, const char *const *words, const char *wanted)
{
    if (!words_hold(words, json_string_at(s->spec, path, NULL)))
        say(s, path, "must be %s", wanted);
}

static void check_members(Spec *s, const char *up, const char *const *known)
{
    CLEANUP(faults_clear) Faults found = {0};
    const json_t *object = *up ? json_at(s->spec, up) : s->spec;
    check_keys(object, up, known, &found);
    for (size_t i = 0; i < found.count; i++) {
        char *text = found.at[i].text, *end = strchr(text, ' ');
        *end = '\0';
        say(s, text, "%s", end + 1);
    }
}

static void check_role(Spec *s, const char *role, const char *const *known)
{
    static const char *const sizes[] = {"memory", "storage"};
    if (!json_is_object(json_object_get(s->spec, role))) {
        say(s, role, "must be a mapping");
        return;
    }
    CLEANUP_FREE char *replicas = check_path(role, "replicas"), *cpu = check_path(role, "cpu"), *heap = check_path(role, "heap");
    check_members(s, role, known);
    check_quantity(s, cpu, quantity_millicores);
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        CLEANUP_FREE char *path = check_path(role, sizes[i]);
        check_quantity(s, path, quantity_bytes);
    }
    const char *size = json_string_at(s->spec, heap, "");
    size_t digits = strspn(size, "0123456789");
    if (digits == 0 || (strcmp(size + digits, "m") != 0 && strcmp(size + digits, "g") != 0))
        say(s, heap, "must be a JVM size such as 512m");
    if (strcmp(role, "kafka") == 0)
        say_range(s, replicas, 1, 99, "");
}

static void check_quorum(Spec *s)
{
    static const char *const known[] = {"kind", "replicas", "cpu", "memory", "heap", "storage", "log_storage", NULL};
    static const char *const kinds[] = {"kraft", "zookeeper", NULL}, *const versions[] = {"3.9", "4.1", NULL};
    const char *version = json_string_at(s->spec, "kafka_version", "");
    bool zookeeper = strcmp(json_string_at(s->spec, "quorum.kind", ""), "zookeeper") == 0;
    json_int_t n = json_int_at(s->spec, "quorum.replicas", 0);
    check_role(s, "quorum", known);
    check_word(s, "kafka_version", versions, "\"3.9\" or \"4.1\", in quotes");
    if (!json_is_object(json_object_get(s->spec, "quorum")))
        return;
    check_word(s, "quorum.kind", kinds, "kraft or zookeeper");
    if (zookeeper && words_hold(versions, version) && version[0] != '3')
        say(s, "quorum.kind", "zookeeper needs kafka_version \"3.9\": later versions have no ZooKeeper");
    if (n != 1 && n != 3 && n != 5)
        say(s, "quorum.replicas", "must be 1, 3 or 5: an even quorum survives no more than the odd one below it");
    if (zookeeper)
        check_quantity(s, "quorum.log_storage", quantity_bytes);
}

static void check_images(Spec *s)
{
    static const char *const known[] = {"kafka", "zookeeper", NULL};
    bool zookeeper = strcmp(json_string_at(s->spec, "quorum.kind", ""), "zookeeper") == 0;
    check_members(s, "images", known);
    for (size_t i = 0; i < (zookeeper ? 2 : 1); i++) {
        CLEANUP_FREE char *path = check_path("images", known[i]);
        if (!is_text(json_at(s->spec, path)))
            say(s, path, "must be the name of an image");
    }
}

void check_spec(const json_t *spec, const json_t *overlay, Faults *f)
{
    static const char *const known[] = {"images", "kafka_version", "storage_class", "anti_affinity", "external_access", "reauthentication_ms",
                                        "stuck_seconds", "quorum", "kafka", NULL};
    static const char *const of_kafka[] = {"replicas", "cpu", "memory", "heap", "storage", "offsets_partitions", NULL};
    static const char *const affinities[] = {"required", "preferred", NULL}, *const accesses[] = {"node_port", NULL};
    CLEANUP_FREE char *file = xstrdup(f->file);
    Spec s = {.spec = spec, .overlay = overlay, .faults = f, .file = file};
    check_members(&s, "", known);
    check_images(&s);
    check_quorum(&s);
    check_role(&s, "kafka", of_kafka);
    if (json_is_object(json_object_get(spec, "kafka")))
        say_range(&s, "kafka.offsets_partitions", 1, 1000, "");
    check_word(&s, "anti_affinity", affinities, "required or preferred");
    check_word(&s, "external_access", accesses, "node_port");
    say_range(&s, "reauthentication_ms", 1000, 86400000, " (milliseconds)");
    if (json_object_get(spec, "stuck_seconds"))
        say_range(&s, "stuck_seconds", 30, 3600, " (seconds that pods may stay without a node, an image or a volume)");
    if (json_object_get(spec, "storage_class") && !is_text_or_null(json_object_get(spec, "storage_class")))
        say(&s, "storage_class", "must be the name of a storage class, or null for the cluster's default");
}
