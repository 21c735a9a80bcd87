# header_rules.awk: reads the table of fields.awk; prints what breaks the rules of abi/README.md, "Growing":
# plain types only, struct_size first, and a count and a stride beside every array.

BEGIN { FS = "[(,)]" }

# The argument of FIELD that is text: the declaration.
function declaration(   text) { text = $0; sub(/^[^"]*"/, "", text); sub(/"\)$/, "", text); return text }

function is_plain(text) {
    if (text ~ /\(\*/) return 1
    return text ~ /^(u?int(8|16|32|64)_t|size_t|eep_[a-z_]+) [a-z0-9_]+$/ ||
           text ~ /^(const )?(char|void|eep_[a-z_]+) \*[a-z0-9_]+$/
}

/^STRUCT/ { name = $2; fields = 0 }

/^FIELD/ {
    field = $3; sub(/^ /, "", field)
    text = declaration()
    where = name "." field
    if (text ~ /(^|[ (,*])(_?[Bb]ool|enum|union|long|short|unsigned|int|float|double)([ ),*]|$)/ || text ~ /\.\.\./ || !is_plain(text))
        print where ": not a plain type: " text
    if (++fields == 1) first[name] = field
    if (text ~ /^const eep_[a-z_]+ \*/) {
        split(text, word, " ")
        points_to[where] = word[2]
        at[where] = NR
    }
    line[NR] = text
}

function has_size(type) { return first[type] == "struct_size" || first[type] == "head" }

# What may stand before _count and _stride: "labels" or "label", "entries" or "entry".
function is_beside(n, field, what,   one) {
    one = field
    if (!sub(/ies$/, "y", one)) sub(/s$/, "", one)
    return line[n] == "uint32_t " field what || line[n] == "uint32_t " one what
}

# An element of an array has no struct_size of its own; anything else that is pointed to has one.
END {
    for (where in points_to) {
        if (points_to[where] == "eep_error" || has_size(points_to[where])) continue # which eep.h has
        element[points_to[where]] = 1
        field = where
        sub(/.*\./, "", field)
        if (!is_beside(at[where] + 1, field, "_count")) print where ": no count beside the array"
        if (!is_beside(at[where] + 2, field, "_stride")) print where ": no stride beside the array"
    }
    for (type in first)
        if (!has_size(type) && !(type in element) && type != "eep_bytes")
            print type ": begins neither with struct_size nor with a head, and is no array element"
}
