/* file_info.h: the records that the agent makes of files, in the words of the service's FileInfo (protocol
 * 10). */
#ifndef STANDIN_FILE_INFO_H
#define STANDIN_FILE_INFO_H

#include "agent_proto.h"

#include <json-c/json.h>

struct json_object *file_info_to_json(const struct file_record *record, const char *name); /* to be put */

/* All records of an agent's answer, sorted by name, as an array. To be put. */
struct json_object *file_info_list(int records);

#endif
