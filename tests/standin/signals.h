/* signals.h: signals as a fresh process expects them, whatever was inherited. */
#ifndef STANDIN_SIGNALS_H
#define STANDIN_SIGNALS_H

/* All actions to their defaults, nothing blocked. System calls only, so a vfork child may call it before exec. */
void signals_reset(void);

#endif
