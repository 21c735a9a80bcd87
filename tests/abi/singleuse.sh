#!/bin/sh
# singleuse.sh [OBJECT…]: tells which global symbols of the plugin no other object uses, so that they could be
# static. Only a report: a test that is not built yet may be the other user. Default: the objects below build.
. "$(dirname "$0")/lib.sh"

build=${BUILD:-build}
case $build in /*) ;; *) build=$top/$build ;; esac
have nm || finish
[ $# -gt 0 ] || set -- $(find_files "$build/." '*.o')
if [ $# -eq 0 ]; then
    skip "no objects below $build: build first"
    finish
fi

# "object: T symbol" lines; a symbol that one object defines and no object lacks has a single user.
nm -A -g "$@" 2>/dev/null | awk '
    { object = $1; sub(/:[^:]*$/, "", object) }
    $(NF - 1) == "U" { used[$NF] = 1; next }
    $(NF - 1) ~ /^[TDBRVW]$/ { owner[$NF] = object }
    END { for (s in owner) if (!(s in used) && s != "main" && s !~ /^eep_plugin_v/) print s, owner[s] }' |
    grep -v -E '_test\.o$' | sort | while read -r symbol object; do
    note "$symbol could be static in ${object#"$build"/./}"
done
finish
