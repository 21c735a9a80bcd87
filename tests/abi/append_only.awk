# append_only.awk: may the second layout (layout_test --print) follow the first without breaking anybody?
# Prints one line for each thing that a new minor may not do; none = yes. The rules: abi/README.md, "Growing".

# A line's key is what it is about, its value what it says of it.
function key() { return $1 " " $2 }
function value(   text) { text = $0; sub(/^[^ ]+ [^ ]+ /, "", text); return text }

function place(text) { sub(/:.*/, "", text); return text }
function number_after(word, text) { sub(".*" word " ", "", text); return text + 0 }
function owner(name) { sub(/\..*/, "", name); return name }

# A reserved word may get a name and a meaning; its place and size stay.
function was_named(name,   i) {
    if (name !~ /\.reserved[0-9]*$/) return 0
    for (i in after) if (i ~ "^field " owner(name) "\\." && place(after[i]) == place(before["field " name])) return 1
    return 0
}

function check_old(k,   part) {
    split(k, part, " ")
    if (!(k in after)) {
        if (part[1] == "field" && was_named(part[2])) { named[place(before[k]) owner(part[2])] = 1; changed = 1 }
        else print k " has gone"
        return
    }
    if (after[k] == before[k]) return
    changed = 1
    if (k == "constant EEP_ABI_MINOR" && after[k] + 0 > before[k] + 0) return
    if (part[1] == "struct" && number_after("size", after[k]) > number_after("size", before[k])) return
    print k " was \"" before[k] "\" and is \"" after[k] "\""
}

function check_new(k,   part, parent) {
    split(k, part, " ")
    changed = 1
    parent = "struct " owner(part[2])
    if (part[1] != "field" || !(parent in before)) return
    if ((place(after[k]) owner(part[2])) in named) return
    if (number_after("offset", place(after[k])) < number_after("size", before[parent]))
        print k " is not at the end of what was there"
}

FNR == 1 { file++ }
/^#/ || NF == 0 { next }
file == 1 { before[key()] = value(); old[++olds] = key() }
file == 2 { after[key()] = value(); new[++news] = key() }

END {
    if (!olds || !news) { print "a layout is empty"; exit }
    for (i = 1; i <= olds; i++) check_old(old[i])
    for (i = 1; i <= news; i++) if (!(new[i] in before)) check_new(new[i])
    minor = "constant EEP_ABI_MINOR"
    if (changed && (minor in before) && before[minor] == after[minor]) print "EEP_ABI_MINOR is still " after[minor] + 0 ", but something was added"
}
