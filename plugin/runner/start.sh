# start.sh: runs a command once. The request has also set e_digest e_limit e_max e_merge e_login e_shell e_cwd
# e_rungs e_news e_window e_bash (the usual shell, if known), e_base and e_sup (texts of the supervisor), and the function
# e_put, which opens the inputs: the command's settings on 5, its script on 6, its stdin on 7: pipes with all their content
# in them (up to 4 kB never blocks), else files that have lost their names already.

# An id that has been started before: attach, if it was the same command. The answer says so: it comes before the
# service's timeout, which has the same length as the window.
e_again() {
    e_att=1
    [ "$e_d" = "$e_digest" ] || [ "$e_d" = - ] || e_st=conflict
    [ $e_st != running ] || e_await $((e_window * 3 / 4))
    e_answer
    exit
}

# e_keep FD: opens the file that e_put has written, which then has no name any more.
e_keep() {
    eval "exec $1<\"\$e_p.\$\$\""
    rm -f "$e_p.$$"
}

# e_run PREFIX...: starts the supervisor: in the foreground, because only then it does not ignore INT. Bash tells how a
# child died only when it runs a file.
e_run() {
    set -- "$@" setsid sh
    if [ "$BASH_VERSION" ]; then
        e_exec "$@" /proc/self/fd/8 8<<.
$e_base$e_sup
.
    else
        e_exec "$@" -c "$e_base$e_sup" eep
    fi
}

e_exec() {
    "$@" "$e_p" "$e_boot" "$e_digest" "$e_wall" "$e_limit" "$e_max" "$e_merge" "$e_login" "$e_shell" "$e_cwd" \
        "$e_rungs" "$e_setsid" <&7 1<&5 3<&6 5<&- 6<&- 7<&-
}

# What the supervisor said before it began.
e_refused() {
    case $e_said in
    exists)
        e_look
        e_again
        ;;
    "tool "*) e_refuse "tool:${e_said#tool }" ;;
    ?*) e_refuse "$e_said" ;;
    *) e_refuse died ;;
    esac
}

[ "$e_shell" != auto ] || e_shell=${e_bash:-$(command -v bash || command -v sh)}
e_folder || e_refuse folder
e_boots
e_look
[ $e_st = none ] || e_again
command -v setsid >/dev/null || e_refuse tool:setsid
e_walls
e_put || {
    rm -f "$e_p.$$"
    e_refuse disk
}
e_pipe 3 4 || e_refuse tool:mkfifo
if [ "$e_news" = 1 ]; then
    # A leader of a session forks when it makes another: so this returns at once, and INT is still not ignored.
    e_run setsid
else
    e_run
fi
exec 4>&- 5<&- 6<&- 7<&-
e_said=
read -r e_said <&3
[ "$e_said" = ok ] || e_refused
e_await "$e_window"
e_answer
