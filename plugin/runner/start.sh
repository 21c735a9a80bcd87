# start.sh: runs a command once. The request has also set e_digest e_limit e_max e_merge e_login e_shell e_cwd e_has
# e_rungs e_news e_window, e_base and e_sup (texts of the supervisor), and the function e_put, which writes the inputs.

# An id that has been started before: attach, if it was the same command.
e_again() {
    e_att=1
    [ "$e_d" = "$e_digest" ] || [ "$e_d" = - ] || e_st=conflict
    [ $e_st != running ] || e_await "$e_window"
    e_answer
    exit
}

# e_run PREFIX...: starts the supervisor: in the foreground, because only then it does not ignore INT.
e_run() {
    "$@" setsid sh -c "$e_base$e_sup" eep "$e_p" "$e_boot" "$e_digest" "$e_wall" "$e_limit" "$e_max" "$e_merge" \
        "$e_login" "$e_shell" "$e_cwd" "$e_p.$$" "$e_has" "$e_rungs" </dev/null >/dev/null 3<&-
}

# What the supervisor said before it began.
e_refused() {
    rm -f "$e_p.$$.e" "$e_p.$$.s" "$e_p.$$.i"
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

e_folder || e_refuse folder
e_boots
e_look
[ $e_st = none ] || e_again
command -v setsid >/dev/null || e_refuse tool:setsid
e_walls
e_put || e_refuse disk
e_pipe 3 4
if [ "$e_news" = 1 ]; then
    # A leader of a session forks when it makes another: so this returns at once, and INT is still not ignored.
    e_run setsid
else
    e_run
fi
exec 4>&-
e_said=
read -r e_said <&3
[ "$e_said" = ok ] || e_refused
e_await "$e_window"
e_answer
