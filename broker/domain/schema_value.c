/* JSON values by what they mean: 1 is 1.0; integers and reals are compared exactly, not after rounding. */
#include "domain/schema_own.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WHOLE 9007199254740992.0 /* 2^53: from here on every double is whole */
#define INT64_END 9223372036854775808.0

bool schema_too_deep(const json_t *v, int levels)
{
    const char *key;
    json_t *member;
    size_t i;
    if (!json_is_array(v) && !json_is_object(v))
        return false;
    if (levels == 0)
        return true;
    json_array_foreach(v, i, member) if (schema_too_deep(member, levels - 1)) return true;
    json_object_foreach((json_t *)v, key, member) if (schema_too_deep(member, levels - 1)) return true;
    return false;
}

static int order(double a, double b)
{
    return (a > b) - (a < b);
}

static int integer_real_order(json_int_t i, double d)
{
    if (d >= INT64_END)
        return -1;
    if (d < -INT64_END)
        return 1;
    json_int_t whole = (json_int_t)d;
    return i != whole ? (i > whole) - (i < whole) : order(0, d - (double)whole);
}

int schema_number_order(const json_t *a, const json_t *b)
{
    json_int_t i = json_integer_value(a), k = json_integer_value(b);
    if (json_is_integer(a))
        return json_is_integer(b) ? (i > k) - (i < k) : integer_real_order(i, json_real_value(b));
    return json_is_integer(b) ? -integer_real_order(k, json_real_value(a)) : order(json_real_value(a), json_real_value(b));
}

bool schema_number_is_multiple(const json_t *v, const json_t *of)
{
    if (json_is_integer(v) && json_is_integer(of))
        return json_integer_value(v) % json_integer_value(of) == 0;
    double a = json_number_value(v), b = json_number_value(of), quotient = a / b;
    if (!(fabs(quotient) < WHOLE))
        return fmod(a, b) == 0;
    return fabs(nearbyint(quotient) * b - a) <= 2 * DBL_EPSILON * fabs(a);
}

static bool equal_objects(const json_t *a, const json_t *b)
{
    const char *key;
    json_t *member;
    if (json_object_size(a) != json_object_size(b))
        return false;
    json_object_foreach((json_t *)a, key, member)
    {
        const json_t *other = json_object_get(b, key);
        if (!other || !schema_equal(member, other))
            return false;
    }
    return true;
}

bool schema_equal(const json_t *a, const json_t *b)
{
    json_t *member;
    size_t i;
    if (json_is_number(a) && json_is_number(b))
        return schema_number_order(a, b) == 0;
    if (json_typeof(a) != json_typeof(b))
        return false;
    if (json_is_string(a))
        return strcmp(json_string_value(a), json_string_value(b)) == 0;
    if (json_is_object(a))
        return equal_objects(a, b);
    if (json_array_size(a) != json_array_size(b))
        return false;
    json_array_foreach(a, i, member) if (!schema_equal(member, json_array_get(b, i))) return false;
    return true;
}

static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ ((const unsigned char *)bytes)[i]) * UINT64_C(0x100000001b3); /* FNV-1a */
    return hash;
}

uint64_t schema_hash(const json_t *v)
{
    const char *key;
    json_t *member;
    size_t i;
    unsigned char type = (unsigned char)(json_is_number(v) ? JSON_REAL : json_typeof(v));
    double number = json_number_value(v) + 0.0; /* -0 becomes 0 */
    uint64_t hash = hash_bytes(UINT64_C(0xcbf29ce484222325), &type, 1), members = 0;
    if (json_is_string(v))
        return hash_bytes(hash, json_string_value(v), json_string_length(v));
    if (json_is_number(v))
        return hash_bytes(hash, &number, sizeof(number));
    json_array_foreach(v, i, member)
    {
        uint64_t of = schema_hash(member);
        hash = hash_bytes(hash, &of, sizeof(of));
    }
    json_object_foreach((json_t *)v, key, member)
    {
        uint64_t of = schema_hash(member);
        members += hash_bytes(hash_bytes(hash, key, strlen(key)), &of, sizeof(of)); /* in any order */
    }
    return hash + members;
}

size_t schema_code_points(const char *s)
{
    size_t n = 0;
    for (; *s; s++)
        n += ((unsigned char)*s & 0xc0) != 0x80;
    return n;
}

/* The candidate that fits and is nearest to `edge` so far. */
typedef struct Search {
    const Node *node;
    const json_t *edge;
    double distance;
    json_t *best;
} Search;

static double distance_of(const json_t *a, const json_t *b)
{
    json_int_t difference;
    if (json_is_integer(a) && json_is_integer(b) && !__builtin_sub_overflow(json_integer_value(a), json_integer_value(b), &difference))
        return fabs((double)difference);
    return fabs(json_number_value(a) - json_number_value(b));
}

static void propose(Search *s, json_t *candidate)
{
    if (!candidate)
        return; /* not finite */
    double distance = distance_of(candidate, s->edge);
    if ((!s->best || distance < s->distance) && schema_check_node(s->node, &(Place){0}, candidate, NULL)) {
        json_decref(s->best);
        s->best = json_incref(candidate);
        s->distance = distance;
    }
    json_decref(candidate);
}

/* The multiples of `step` around `near`, as far as they have 64 bits. */
static void propose_integers(Search *s, json_int_t near, json_int_t step)
{
    json_int_t below = near % step < 0 ? near % step + step : near % step, at;
    for (json_int_t i = -1; i <= 2; i++)
        if (!__builtin_mul_overflow(i, step, &at) && !__builtin_sub_overflow(at, below, &at) && !__builtin_add_overflow(near, at, &at))
            propose(s, json_integer(at));
}

/* A real with the fewest digits that look the same: 0.3 for 3 x 0.1. */
static json_t *short_real(double d)
{
    char text[40];
    snprintf(text, sizeof(text), "%.15g", d);
    return json_real(strtod(text, NULL));
}

json_t *schema_number_nearest(const Node *n, const json_t *v)
{
    const json_t *edge = n->minimum && schema_number_order(v, n->minimum) <= 0   ? n->minimum
                         : n->maximum && schema_number_order(v, n->maximum) >= 0 ? n->maximum
                                                                                 : v;
    Search s = {.node = n, .edge = edge};
    double at = json_number_value(edge), step = n->multiple_of ? json_number_value(n->multiple_of) : 1;
    json_int_t whole_step = json_is_integer(n->multiple_of) ? json_integer_value(n->multiple_of) : 1;
    if (json_is_integer(edge))
        propose_integers(&s, json_integer_value(edge), whole_step);
    else if (fabs(at) < WHOLE)
        propose_integers(&s, (json_int_t)floor(at), whole_step);
    if (json_is_real(edge))
        propose(&s, json_real(at));
    for (int i = -1; i <= 1 && json_is_real(n->multiple_of) && isfinite(at / step); i++)
        propose(&s, short_real((nearbyint(at / step) + i) * step));
    return s.best;
}
