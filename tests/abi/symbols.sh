#!/bin/sh
# symbols.sh [SO [OBJECT…]]: the plugin exports eep_plugin_v1 and nothing else, can never be unloaded, binds at
# once, carries no search paths and no static TLS; and no object of ours imports a function that is banned
# from plugin/ (CONTRIBUTING.md). Default: build/eep-daytona.so and the objects below build/plugin.
. "$(dirname "$0")/lib.sh"

build=${BUILD:-build}
case $build in /*) ;; *) build=$top/$build ;; esac
so=${1:-$build/eep-daytona.so}
[ $# -gt 0 ] && shift

exports_one_symbol() {
    nm -D --defined-only "$so" | awk '$(NF - 1) != "A" { sub(/@.*/, "", $NF); print $NF }' >"$scratch/exports"
    grep -qx eep_plugin_v1 "$scratch/exports" || problem "$so does not export eep_plugin_v1"
    grep -vx eep_plugin_v1 "$scratch/exports" | sed 's/$/: exported, but must not be/' | problems
}

# Each wanted flag is a word of the dynamic section, each unwanted tag a line of it.
has_right_flags() {
    readelf -W -d "$so" >"$scratch/dynamic"
    flags=$(sed -n 's/.*(FLAGS\(_1\)*) *\(Flags: \)*//p' "$scratch/dynamic" | tr '\n' ' ')
    for flag in NOW NODELETE; do
        case " $flags " in *" $flag "*) ;; *) problem "$so is not linked with -z $flag" ;; esac
    done
    case " $flags " in *" STATIC_TLS "*) problem "$so needs static TLS: dlopen fails in a large host" ;; esac
    for tag in TEXTREL RPATH RUNPATH; do
        grep -q "$tag" "$scratch/dynamic" && problem "$so has $tag"
    done
    readelf -W -l "$so" | grep GNU_STACK | grep -q E && problem "$so asks for an executable stack"
}

# The objects that go into the plugin: not its unit tests, not the program that runs in the sandbox.
our_objects() {
    find_files "$build/plugin" '*.o' '*.os' '*.lo' | grep -v -E '_test\.o|/supervisor'
}

# Cousins of the banned names that a compiler or a C library puts in their place, or that do the same harm.
imports_nothing_banned() {
    { banned_functions; printf '%s\n' getenv __assert_fail _Exit quick_exit vfork sigaction putenv unsetenv; } >"$scratch/banned"
    [ "$(wc -l <"$scratch/banned")" -gt 20 ] || problem "cannot find the list of banned functions in CONTRIBUTING.md"
    for object; do
        nm -u "$object" | awk '{ print $NF }' | sed -e 's/@.*//' -e 's/^__\(.*\)_chk$/\1/' >"$scratch/imports"
        case $object in *config_env*) sed -i '/^getenv$/d' "$scratch/imports" ;; esac
        grep -Fx -f "$scratch/banned" "$scratch/imports" | sort -u | sed "s|^|$object imports |" | problems
    done
}

have nm && have readelf || finish
if [ ! -e "$so" ]; then
    skip "no $so: build it first"
    finish
fi
[ $# -gt 0 ] || set -- $(our_objects)
[ $# -gt 0 ] || problem "no objects of ours below $build/plugin"
exports_one_symbol
has_right_flags
imports_nothing_banned "$@"
finish
