/* Searching for patterns: all paths through the program advance together, each instruction at most once per character. */
#include "base/mem.h"
#include "domain/schema_pattern.h"

typedef struct Machine {
    const Pattern *pattern;
    size_t *now, *next, *stack; /* instructions: waiting for this character, for the next one, still to be followed */
    size_t now_count, next_count;
    size_t *seen;               /* the turn in which an instruction was last reached */
    size_t turn;
    bool begin, end;            /* before the first character, behind the last one */
    bool found;
} Machine;

uint32_t utf8_next(const char **s)
{
    uint32_t c = (unsigned char)*(*s)++;
    if (c >= 0x80)
        c &= c < 0xe0 ? 0x1f : c < 0xf0 ? 0x0f : 0x07;
    while (((unsigned char)**s & 0xc0) == 0x80)
        c = c << 6 | ((unsigned char)*(*s)++ & 0x3f);
    return c;
}

/* Adds the characters that can be reached from `at` without one to `next`. */
static void reach(Machine *m, size_t at)
{
    size_t waiting = 0;
    m->stack[waiting++] = at;
    while (waiting > 0) {
        at = m->stack[--waiting];
        if (m->seen[at] == m->turn)
            continue;
        m->seen[at] = m->turn;
        const Instruction *i = &m->pattern->code[at];
        switch (i->op) {
        case OP_SPLIT:
            m->stack[waiting++] = at + (size_t)i->y;
            m->stack[waiting++] = at + (size_t)i->x;
            break;
        case OP_JUMP: m->stack[waiting++] = at + (size_t)i->x; break;
        case OP_BEGIN:
        case OP_END:
            if (i->op == OP_BEGIN ? m->begin : m->end)
                m->stack[waiting++] = at + 1;
            break;
        case OP_FOUND: m->found = true; break;
        case OP_CHARACTER:
        case OP_SET: m->next[m->next_count++] = at; break;
        }
    }
}

static bool takes(const Pattern *p, const Instruction *i, uint32_t c)
{
    if (i->op == OP_CHARACTER)
        return c == (uint32_t)i->x;
    const Set *set = &p->sets[i->x];
    for (size_t k = set->first; k < set->first + set->count; k++)
        if (c >= p->ranges[k].from && c <= p->ranges[k].to)
            return !set->negated;
    return set->negated;
}

static void search(Machine *m, const char *s)
{
    for (;;) {
        m->end = !*s;
        reach(m, 0);
        if (m->found || m->end)
            return;
        size_t *now = m->next;
        m->next = m->now;
        m->now = now;
        m->now_count = m->next_count;
        m->next_count = 0;
        m->turn++;
        uint32_t c = utf8_next(&s);
        m->begin = false;
        m->end = !*s;
        for (size_t i = 0; i < m->now_count; i++)
            if (takes(m->pattern, &m->pattern->code[m->now[i]], c))
                reach(m, m->now[i] + 1);
        if (m->found)
            return;
    }
}

bool pattern_found(const Pattern *p, const char *s)
{
    /* Of the stack, two entries for each instruction that is reached. */
    size_t *memory = xcalloc(5 * p->size + 1, sizeof(*memory));
    Machine m = {.pattern = p, .turn = 1, .begin = true, .now = memory, .next = memory + p->size, .seen = memory + 2 * p->size};
    m.stack = memory + 3 * p->size;
    search(&m, s);
    free(memory);
    return m.found;
}

Pattern *pattern_free(Pattern *p)
{
    if (p) {
        free(p->code);
        free(p->sets);
        free(p->ranges);
        free(p);
    }
    return NULL;
}
