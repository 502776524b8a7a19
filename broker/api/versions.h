/* First minor version of the API that knows a member of an answer; older clients do not get it (OSB 2.17, release notes by version). */
#ifndef API_VERSIONS_H
#define API_VERSIONS_H

#define MINOR_WITH_ENDPOINTS 15 /* of bindings; libraries of older clients misread them */
#define MINOR_WITH_EXPIRY 16    /* metadata.expires_at of bindings */
#define MINOR_WITH_OUTLOOK 16   /* instance_usable, update_repeatable */
#define MINOR_WITH_DETAILS 17   /* maintenance_info and metadata of a fetched instance */
#define MINOR_WITH_RENEWAL 17   /* metadata.renew_before of bindings */

#endif
