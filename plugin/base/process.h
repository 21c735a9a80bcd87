/* process.h: is this still the process that it was?
 *
 * fork() copies everything: what belongs to the parent must be told apart in the child. A pid does not tell for certain
 * (the first process of a pid namespace has the same one everywhere), and asking for it is a system call. */
#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

#include <stdint.h>

/* The same number as long as the process lives, another one in each child. Never 0. From any thread and signal handler; a
 * child that shares its parent's memory (vfork) is taken for the parent. */
uint64_t process_self(void);

#endif
