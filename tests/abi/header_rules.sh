#!/bin/sh
# header_rules.sh [HEADER]: eep.h, and each header of an extension, keeps the rules: plain types, struct_size first,
# count and stride beside every array, flags of single calls from bit 8 on.
. "$(dirname "$0")/lib.sh"

# Values of one family are distinct; the families are told by the text before the last name.
keeps_rules() {
    strip_c "$1" >"$scratch/code"
    if awk -f "$here/fields.awk" "$scratch/code" >"$scratch/table" 2>"$scratch/why"; then
        awk -f "$here/header_rules.awk" "$scratch/table" | problems
    else
        problems <"$scratch/why"
    fi
    awk '/^#define EEP_E_/ { if ($3 in seen) print $2 " has the number of " seen[$3]; seen[$3] = $2 }' \
        "$scratch/code" | problems
    awk '/^#define EEP_(VALIDATE|OPEN|RESUME|EXECUTE|ATTACH|LIST)_/ && $3 ~ /^0x/ && $3 !~ /^0x[0-9a-f]+00u$/ {
        print $2 " is below bit 8" }' "$scratch/code" | problems
}

[ $# -gt 0 ] || set -- "$top/abi/eep.h" "$top"/abi/ext/*.h
for header; do keeps_rules "$header"; done
finish
