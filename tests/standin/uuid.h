/* uuid.h: random ids (UUID version 4). */
#ifndef STANDIN_UUID_H
#define STANDIN_UUID_H

enum { UUID_SIZE = 37 };

void uuid_make(char id[UUID_SIZE]);

#endif
