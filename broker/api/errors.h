/* Answers that refuse: those with an error code of their own (OSB 2.17, Error Codes). */
#ifndef API_ERRORS_H
#define API_ERRORS_H

#include "api/api.h"

/* Fills a response with {"error","description"}; the description is cut to whole characters. Returns true: the response is the answer. */
bool refuse(Response *response, int status, const char *word, const char *description);
/* 422 AsyncRequired. */
bool refuse_synchronous(Response *response);
/* 422 MaintenanceInfoConflict. */
bool refuse_maintenance(Response *response);

#endif
