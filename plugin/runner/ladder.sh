# ladder.sh: ends a command. Used by whoever decides that: the keeper, the supervisor, a kill request.

# Processes with the command's mark that have left its group, in e_away.
e_marked() {
    e_away=
    for e_x in $(grep -ls "EEP_EXECUTION=${e_p##*/}:" /proc/[0-9]*/environ); do
        e_x=${e_x#/proc/}
        e_x=${e_x%/*}
        e_proc "$e_x" && [ "$e_group" != "$e_u" ] && [ "$e_state" != Z ] && e_away="$e_away $e_x"
    done
}

# Is nobody left? Zombies that init has not collected stay in a group: after KILL they do not count.
e_gone() {
    e_away=
    # For a moment the command has no group of its own yet.
    e_alive "$e_u" "$e_us" && return 1
    if kill -0 "-$e_u"; then
        [ "$e_rung" = 9 ] || return 1
        for e_x in /proc/[0-9]*; do
            e_proc "${e_x#/proc/}" && [ "$e_group" = "$e_u" ] && [ "$e_state" != Z ] && return 1
        done
    fi
    e_marked
    [ -z "$e_away" ]
}

# A shell that can have no more processes (the command has taken them all) ends at once; this is what can be done then.
e_fall() {
    { :; } >"$e_p.k.9.9.$e_why"
    kill -9 "-$e_u"
}

# e_ladder WHY SIGNAL:MS...: sends each signal to the command's group and to those who left it, and waits up to
# MS for all of them to end; fails when some are left. Signal 0 only waits. Each rung is noted first, as the name of an
# empty file: that works on a full disk too.
e_ladder() {
    e_why=$1 e_step=0
    shift
    # It may be marked and not yet begun.
    for e_x in 1 2 3 4 5 6 7 8 9; do
        { read -r e_x; read -r e_x e_u e_us e_x; } <"$e_p.p"
        [ -z "$e_u" ] || break
        sleep 0.05 || sleep 1
    done
    # What has a record and no process has never run. Of what has lost its record those who bear its mark are found; its
    # group is not known (no number of a process is as large).
    [ "$e_u" ] || {
        [ ! -e "$e_p.p" ] || return 0
        e_u=4194305 e_us=0
    }
    # A leader with another start time is another process: the group has been gone for long.
    e_proc "$e_u" && [ "$e_start" != "$e_us" ] && return 0
    trap e_fall 0
    e_climb "$@"
    e_x=$?
    trap - 0
    return $e_x
}

# e_climb SIGNAL:MS...
e_climb() {
    for e_try; do
        e_rung=${e_try%:*} e_step=$((e_step + 1))
        e_gone && return 0
        if [ "$e_rung" != 0 ]; then
            { :; } >"$e_p.k"
            { :; } >"$e_p.k.$e_step.$e_rung.$e_why"
            kill "-$e_rung" "-$e_u" || kill "-$e_rung" "$e_u"
            e_marked
            [ -z "$e_away" ] || kill "-$e_rung" $e_away
        fi
        e_clock
        e_end=$((e_now + ${e_try#*:}))
        while [ "$e_now" -lt "$e_end" ]; do
            e_gone && return 0
            # Somebody may have been born while we looked.
            [ "$e_rung" != 9 ] || [ -z "$e_away" ] || kill -9 $e_away
            sleep 0.02 || sleep 1
            e_clock
        done
    done
    e_gone
}
