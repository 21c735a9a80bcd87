#include "auth.h"

#include <string.h>

static const char *bearer(const struct request *request)
{
    const char *header = request_header(request, "Authorization");
    return header != NULL && strncmp(header, "Bearer ", 7) == 0 ? header + 7 : NULL;
}

/* In a time that tells nothing of where they differ: the server may be open to others. */
static bool is(const char *token, const char *expected)
{
    if (token == NULL || expected == NULL || strlen(token) != strlen(expected)) return false;
    unsigned char differs = 0;
    for (size_t i = 0; expected[i] != '\0'; i++)
        differs |= (unsigned char)(token[i] ^ expected[i]);
    return differs == 0;
}

bool auth_is_api_key(const struct request *request)
{
    return is(bearer(request), request->standin->options.key);
}

static bool is_jwt(const struct request *request)
{
    return is(bearer(request), request->standin->options.jwt);
}

/* Which organization a token is used for: routes that take nothing else name it themselves. */
static bool is_member(const struct request *request, enum auth_by by)
{
    const char *organization =
        by == AUTH_BY_TOKEN ? request->argument : request_header(request, "X-Daytona-Organization-ID");
    return organization != NULL && strcmp(organization, request->standin->options.organization) == 0;
}

bool auth_api(struct request *request, enum auth_by by)
{
    bool by_key = auth_is_api_key(request); /* which carries its organization; the header is ignored */
    if (by_key ? by == AUTH_BY_TOKEN : by == AUTH_BY_KEY || !is_jwt(request))
        reply_api_error(request, 401, "Invalid credentials");
    else if (!by_key && !is_member(request, by))
        reply_api_error(request, 403, "Invalid authentication context");
    else
        return true;
    return false;
}

enum auth_verdict auth_toolbox(const struct request *request)
{
    if (bearer(request) == NULL) return AUTH_MISSING;
    return auth_is_api_key(request) || is_jwt(request) ? AUTH_GOOD : AUTH_BAD;
}
