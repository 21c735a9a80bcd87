/* supervise.h: the supervisor: a process for each execution, in a session of its own, so that it outlives the request.
 * It makes the marker, runs the command, moves its streams from pipes to files, keeps the limits, writes the end, and
 * stays while anything that the command has left behind is alive. */
#ifndef NATIVE_SUPERVISE_H
#define NATIVE_SUPERVISE_H

#include "record.h"
#include "request.h"

/* What it says to the requester, one byte each, through `notes`. */
enum note {
    NOTE_BEGUN = 'b',     /* the command runs */
    NOTE_EXISTS = 'x',    /* somebody else has started this id */
    NOTE_CWD = 'c',       /* refused: there is no such folder */
    NOTE_FOLDER = 'f',    /* refused: the marker cannot be made */
    NOTE_DISK = 'd',      /* refused: the disk is full */
    NOTE_PROCESSES = 'p', /* refused: there can be no more processes */
    NOTE_ENDED = 'e',     /* the end is written */
};

_Noreturn void supervise(const struct request *request, const struct record *record, int notes);

#endif
