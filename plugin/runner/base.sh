# base.sh: what the requester and the supervisor share. Names begin with e_, so that they meet no variable of the
# user's environment (assigning to an imported variable would change it for the command too).

# Milliseconds since boot, in e_now.
e_clock() {
    read -r e_now e_x </proc/uptime
    e_now=$((${e_now%.*} * 1000 + 1${e_now#*.}0 - 1000))
}

# e_proc PID: state, group and start time of a process. Its name may hold blanks and parentheses.
e_proc() {
    e_line=
    read -r e_line <"/proc/$1/stat" || return 1
    set -- ${e_line##*) }
    e_state=$1 e_group=$3 e_start=${20}
}

# e_alive PID START: is it there, still the same, and no zombie?
e_alive() {
    e_proc "$1" && [ "$e_start" = "$2" ] && [ "$e_state" != Z ]
}

# e_pipe READ WRITE [file]: an anonymous pipe on two descriptors, without a process: a short here-document is a pipe in
# dash, busybox and bash 5.1. Older bash uses a file for it: then a FIFO that has no name any more. Who opens that again
# waits for a writer, for ever if there is none: what a command reads is a `file` instead.
e_pipe() {
    eval "exec $1<<.
-
."
    if [ -p "/proc/self/fd/$1" ]; then
        read -r e_x <&"$1"
        eval "exec $2>/proc/self/fd/$1"
    elif [ "$3" ]; then
        eval "exec $2>\"\$e_p.$$\" $1<\"\$e_p.$$\""
        rm -f "$e_p.$$"
    else
        mkfifo "$e_p.$$" || return
        eval "exec $1<>\"\$e_p.$$\" $2>\"\$e_p.$$\" $1<\"\$e_p.$$\""
        rm -f "$e_p.$$"
    fi
}
