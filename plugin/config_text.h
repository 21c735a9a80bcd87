/* config_text.h: the rules for single texts of the configuration (text_rule in config_keys.h).
 *
 * What comes in here becomes wire: a header, a line of a Dockerfile, a URL. The rules keep out what could end
 * the one and begin another. Texts may come from the environment, so they need not be UTF-8. */
#ifndef CONFIG_TEXT_H
#define CONFIG_TEXT_H

#include "config_keys.h"

text_rule text_token;         /* printable ASCII without blanks: header values */
text_rule text_plain;         /* UTF-8 without control characters */
text_rule text_without_nul;   /* the value of an environment variable */
text_rule text_env_name;      /* [A-Za-z_][A-Za-z0-9_]* */
text_rule text_label_name;    /* plain, and none of ours */
text_rule text_image;         /* an image reference: becomes a line of a Dockerfile */
text_rule text_language;      /* plain; a warning for what the service does not know */
text_rule text_runner;        /* auto, sh or native */
text_rule text_absolute_path; /* cuts slashes at the end */
text_rule text_relative_path; /* cuts slashes at the end */
text_rule text_api_url;       /* http or https; cuts slashes at the end */
text_rule text_proxy;         /* [scheme://][user:password@]host[:port] */
text_rule text_cidr;          /* IPv4 */
text_rule text_host_pattern;  /* a host, or *. and a domain */

#endif
