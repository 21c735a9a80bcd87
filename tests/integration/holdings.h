/* holdings.h: what this process holds at the moment. */
#ifndef INTEGRATION_HOLDINGS_H
#define INTEGRATION_HOLDINGS_H

long holdings_threads(void);

/* The one that looks is counted, too. */
long holdings_descriptors(void);

/* A line of /proc/self/status, in KiB: "VmRSS:", "VmHWM:". */
long holdings_kib(const char *key);

#endif
