# fields.awk: reads eep.h (already through strip_c.awk) and prints it as a table for the C preprocessor:
#
#     CONSTANT(EEP_OK)  TEXT(EEP_ENTRY_SYMBOL)  TYPE(eep_output_fn, "declaration")
#     STRUCT(eep_str)  FIELD(eep_str, ptr, "const char *ptr")  …  END(eep_str)
#
# It reads only the plain C that eep.h is written in, and fails on anything else rather than leave it out.

function fail(why) {
    print "fields.awk: line " NR ": " why > "/dev/stderr"
    failed = 1
    exit 1
}

function tidy(text) {
    gsub(/[ \t]+/, " ", text)
    sub(/^ /, "", text)
    sub(/ $/, "", text)
    return text
}

# The name that a declaration declares: of a pointer to function, or else its last word.
function declared(text) {
    if (match(text, /\(\*[A-Za-z0-9_]+\)\(/)) return substr(text, RSTART + 2, RLENGTH - 4)
    if (match(text, /[A-Za-z_][A-Za-z0-9_]*$/)) return substr(text, RSTART)
    fail("no name in: " text)
}

function close_struct(   n, i, part) {
    n = split(body, part, ";")
    print "STRUCT(" name ")"
    for (i = 1; i < n; i++) print "FIELD(" name ", " declared(tidy(part[i])) ", \"" tidy(part[i]) "\")"
    print "END(" name ")"
    if (tidy(part[n]) != "") fail("unfinished field in " name ": " tidy(part[n]))
}

/^#[ \t]*define[ \t]/ {
    if ($2 ~ /^EEP_.*H$/ && NF == 2) next # the include guard
    if ($3 ~ /^-?[0-9]/) print "CONSTANT(" $2 ")"
    else if ($3 ~ /^"/) print "TEXT(" $2 ")"
    else fail("a macro that is neither number nor text: " $2)
    next
}
/^#/ { next }

inside && /^}/ { inside = 0; close_struct(); next }
inside { body = body " " $0; next }

/^typedef struct [a-z0-9_]+ \{/ { inside = 1; name = $3; body = ""; next }
/^typedef struct [a-z0-9_]+ [a-z0-9_]+;/ { next }
/\{[ \t]*$/ && !/^extern / { fail("a block that is no plain struct: " $0) }

/^typedef / { typedef = 1; text = "" }
typedef {
    text = text " " $0
    if (text !~ /;/) next
    sub(/;.*/, "", text)
    sub(/^ typedef /, "", text)
    print "TYPE(" declared(tidy(text)) ", \"" tidy(text) "\")"
    typedef = 0
}

END { if (inside && !failed) fail("struct " name " does not end") }
