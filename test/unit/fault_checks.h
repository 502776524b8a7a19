/* What a list of faults must hold; after cmocka.h. */
#ifndef FAULT_CHECKS_H
#define FAULT_CHECKS_H

#include "base/faults.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

/* Some fault "FILE: TEXT" (": TEXT" without a file) has the part. */
static inline UNUSED void assert_fault(const Faults *f, const char *part)
{
    for (size_t i = 0; i < f->count; i++) {
        CLEANUP_FREE char *all = xasprintf("%s: %s", f->at[i].file ? f->at[i].file : "", f->at[i].text);
        if (strstr(all, part))
            return;
    }
    for (size_t i = 0; i < f->count; i++)
        fprintf(stderr, "%s: %s\n", f->at[i].file ? f->at[i].file : "", f->at[i].text);
    fail_msg("no fault with: %s", part);
}

/* For what must be good. */
static inline UNUSED void assert_no_fault(const Faults *f)
{
    if (f->count)
        fail_msg("%s: %s", f->at[0].file ? f->at[0].file : "", f->at[0].text);
}

#endif
