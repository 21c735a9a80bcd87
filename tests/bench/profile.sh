#!/bin/sh
# make bench-profile: where the instructions of an execute go, by function: callgrind, 64 in flight, against the delay server.
# Loading the plugin and the libraries is in it; of 1000 executes it is a twentieth. VERB=async takes eep.async/1.
set -eu
build=${BUILD:-build}
command -v valgrind >/dev/null || { echo "bench-profile needs valgrind" >&2; exit 1; }
folder=$(mktemp -d)
"$build/tests/bench/delayserver" --delay-ms 5 >"$folder/api" &
server=$!
trap 'kill $server 2>/dev/null; rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM
for _ in 1 2 3 4 5 6 7 8 9 10; do [ -s "$folder/api" ] || sleep 0.1; done
export BENCH_KEY=bench-key BENCH_PLUGIN="$build/eep-daytona.so"
BENCH_API=$(cat "$folder/api")
export BENCH_API
echo "${VERB:-load} bench 1000 64" |
    valgrind --quiet --tool=callgrind --callgrind-out-file="$folder/out" "$build/tests/bench/driver_eep" >/dev/null
callgrind_annotate "$folder/out" | sed -n '/PROGRAM TOTALS/p; /file:function/,$p' | head -"${LINES_SHOWN:-40}" | cut -c1-150
