# keep.sh: the keeper: a child of the supervisor that can wait for several things at once, which the supervisor cannot
# (it waits for the command in the foreground). It moves the streams to their files, kills the command at its limits, and
# tells the supervisor when the output has ended. It outlives the supervisor when background children hold the output.
#
# Descriptors: 4 and 5 the streams, 6 and 7 their files, 3 notes to the supervisor.
# Traps only set variables: a trap inside a trap would spoil $? in dash.

# e_size FD: how much has been written to a file, in e_n: the offset that we share with its cat.
e_size() {
    read -r e_x e_n <"/proc/self/fdinfo/$1" || e_n=$(wc -c <"/proc/self/fd/$1")
}

# Looking for its working directory is the cheapest question to which zombies say no.
e_runs() {
    [ -e "/proc/$1/cwd" ]
}

# The cat e_pid, from e_from to e_into, has ended: why? The kernel stops it at the output limit (ulimit -f). Other
# failures are a full disk: the command goes on, its output is lost from there on.
e_ended() {
    # A signal can interrupt even this, with a status that looks like the cat's own.
    for e_try in 1 2 3; do
        wait $e_pid && return
        [ $? -gt 128 ] || break
    done
    [ $e_into != - ] || return
    e_size $e_into
    if [ "$e_n" -ge "$e_max" ]; then
        e_ladder o $e_rungs
    else
        e_lost=1
        cat <&$e_from >/dev/null 3>&- &
        e_cats="$e_cats $e_from.$!.-"
    fi
}

# Looks after the cats: e_cats (READ.PID.FILE of each) becomes those that run.
e_reap() {
    e_old=$e_cats e_cats=
    for e_cat in $e_old; do
        e_from=${e_cat%%.*} e_into=${e_cat##*.} e_pid=${e_cat#*.}
        e_pid=${e_pid%.*}
        if e_runs $e_pid; then
            e_cats="$e_cats $e_cat"
        else
            e_ended
        fi
    done
}

# e_nap SECONDS: what the keeper waits for when nothing else happens.
e_nap() {
    sleep "$1" 3>&- &
    e_timer=$!
}

# Are all cats asleep? Then they wait at empty pipes that somebody holds open. Lists them in e_held.
e_asleep() {
    e_held=
    for e_cat in $e_cats; do
        e_pid=${e_cat#*.}
        e_pid=${e_pid%.*}
        e_proc $e_pid && [ "$e_state" = S ] || return 1
        e_held=$e_held,$e_pid.$e_start
    done
}

# The verdict: both sizes, whether output was lost, who still pumps. The notes are closed behind it.
e_tell() {
    e_size 6
    e_size1=$e_n e_n=0
    [ "$e_merge" = 1 ] || e_size 7
    echo "$e_size1 $e_n $e_lost $e_held" >&3
    exec 3>&-
    e_told=1
}

# The drain rule: the output has ended when all cats have, or when the command has ended and they have been asleep at
# three looks, 10 ms apart: then background children hold the pipes, and the cats stay with them.
e_drain() {
    e_quiet=$((e_quiet + 1))
    e_asleep || e_quiet=0
    if [ $e_quiet -ge 3 ]; then
        e_tell
        e_nap 86400
    else
        e_nap 0.01
    fi
}

# The time limit is over, unless the sleep knows no fractions and failed at once.
e_timeout() {
    if wait $e_timer || [ "${e_limit%.*}" = "$e_limit" ]; then
        e_nap 86400
        e_ladder l $e_rungs
    else
        e_limit=$((${e_limit%.*} + 1))
        e_nap $e_limit
    fi
}

# What there is to do after any event.
e_turn() {
    e_reap
    if [ -z "$e_cats" ]; then
        e_held=0
        [ "$e_told" ] || e_tell
        kill -9 $e_timer
        exit
    elif [ "$e_over" = 1 ]; then
        # No time limit any more. (A TERM would be lost on a child that is still a copy of this shell.)
        kill -9 $e_timer
        e_over=2
        e_drain
    elif ! e_runs $e_timer; then
        case $e_over$e_told in
        '') e_timeout ;;
        2) e_drain ;;
        *) e_nap 86400 ;;
        esac
    fi
}

# TERM: the command has ended. CHLD: a cat or a sleep has. Shells run traps between commands only, so a signal either
# turns the wait into a `:` or comes late enough to interrupt it: none is missed.
e_keep() {
    exec </dev/null >/dev/null 3>&2 2>/dev/null 8>&- 9>&- 6>"$e_p.o"
    [ "$e_merge" = 1 ] || exec 7>"$e_p.e"
    ulimit -c 0
    ulimit -f $(((e_max + 511) / 512))
    e_lost=0 e_quiet=0 e_over= e_told=
    # In its POSIX mode bash would not let CHLD interrupt a wait.
    [ -z "$BASH_VERSION" ] || set +o posix
    trap 'e_wait=: e_over=1' 15
    trap e_wait=: CHLD
    echo + >&3
    cat <&4 >&6 3>&- &
    e_cats=4.$!.6
    if [ "$e_merge" != 1 ]; then
        cat <&5 >&7 3>&- &
        e_cats="$e_cats 5.$!.7"
    fi
    e_nap "$e_limit"
    while :; do
        e_wait=wait
        e_turn
        $e_wait $e_timer
    done
}
