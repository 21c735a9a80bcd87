#include "go_error.h"

#include "mem.h"

#include <ctype.h>
#include <string.h>

/* Go has the C library's texts, without their capital. */
char *go_error_text(int error)
{
    char *text = mem_copy(strerror(error));
    *text = (char)tolower((unsigned char)*text);
    return text;
}
