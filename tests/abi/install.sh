#!/bin/sh
# install.sh: `make install` gives a command line that finds its plugin, and what a host is built with; `make uninstall` takes
# all of it away again, and nothing else.
. "$(dirname "$0")/lib.sh"
cd "$top" || exit 1
usr=$scratch/usr

make_it() {
    ${MAKE:-make} --no-print-directory BUILD="${BUILD:-build}" DESTDIR="$scratch" PREFIX=/usr "$1" >"$scratch/log" 2>&1 ||
        problem "make $1: $(tail -n 1 "$scratch/log")"
}

pc() {
    PKG_CONFIG_PATH="$usr/lib/pkgconfig" pkg-config "$@" eep
}

eep_finds_its_plugin() {
    env -i "$usr/bin/eep" info >"$scratch/info" 2>&1 || problem "eep info: $(cat "$scratch/info")"
    grep -q '/usr/bin/../lib/eep/eep-daytona.so$' "$scratch/info" || problem "eep loads $(head -n 1 "$scratch/info")"
    abi=$(sed -n 's/^abi *\([0-9.]*\) .*/\1/p' "$scratch/info")
    [ "$(pc --modversion)" = "$abi" ] || problem "eep.pc tells version $(pc --modversion), eep info $abi"
}

# shellcheck disable=SC2046 # lists of words
a_host_is_built_with_it() {
    ${CC:-cc} hosts/minimal/minimal.c $(pc --cflags --libs) -o "$scratch/minimal" || problem "minimal.c does not compile"
    "$scratch/minimal" "$(pc --variable=plugindir)/eep-daytona.so" '{' >"$scratch/said" 2>&1
    grep -q '^error 4: configuration' "$scratch/said" || problem "minimal: $(cat "$scratch/said")"
    for header in "$usr"/include/eep/ext/*.h; do
        ${CC:-cc} $(pc --cflags) -x c -fsyntax-only "$header" || problem "$header does not compile"
    done
}

make_it install
eep_finds_its_plugin
a_host_is_built_with_it
touch "$usr/lib/eep/another.so"
make_it uninstall
left=$(find "$usr" -type f)
[ "$left" = "$usr/lib/eep/another.so" ] || problem "uninstall leaves $left"
finish
