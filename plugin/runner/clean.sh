# clean.sh: retention, behind the answer and in the background. Outputs go after a day, or when there are 200 newer ones
# and they are ten minutes old; never while their command runs or its children still write. Markers and records stay for
# 30 days: they are what makes repeating a start safe.

# e_ended FILE: does it belong to an execution in which nothing happens any more?
e_ended() {
    e_p=$e_dir/${1%.*}
    e_look
    [ "$e_st" != running ] && { [ "$e_st" != done ] || ! e_holding; }
}

# e_older MINUTES PATTERN: names of files that were last changed so long ago.
e_older() {
    find . -name "$2" -mmin "+$1" | sed 's/^..//'
}

(
    cd "$e_dir" || exit
    e_boots
    for e_f in $(e_older "${e_age:-1440}" '*.o'); do
        e_ended "$e_f" && rm -f "$e_p.o" "$e_p.e"
    done
    # The oldest first: no process for any of those that stay.
    set -- $(QUOTING_STYLE=literal ls -tr | grep '\.o$')
    while [ $# -gt "${e_most:-200}" ] && [ "$(find "$1" -mmin "+${e_young:-10}")" ]; do
        e_ended "$1" && rm -f "$e_p.o" "$e_p.e"
        shift
    done
    for e_f in $(e_older "${e_forget:-43200}" '*.p'); do
        e_ended "$e_f" && rm -f "$e_p.p" "$e_p.o" "$e_p.e" "$e_p.k" "$e_p.k."*
    done
    # Other versions of the native runner.
    [ -z "$e_native" ] || rm -f $(find . -name 'runner-*' ! -name "$e_native" -mmin +43200)
    # What uploads have left that nobody could clear up after.
    [ -z "$e_root" ] || (
        cd "$e_root" || exit
        for e_f in .eep-staging-*; do
            [ -d "$e_f" ] && [ "$(find "$e_f" -prune -mmin +1440)" ] && rm -rf "$e_f"
        done
    )
    # Inputs of requests that were cut before their supervisor ran.
    rm -f $(e_older 60 '*.[0-9]*' | grep -v '\.k\.')
) </dev/null >/dev/null &
