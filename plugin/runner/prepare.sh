# prepare.sh: makes the workspace, looks whether this is the sandbox that was leased, and tells what there is. The
# request has set e_root (may be empty), e_token (may be empty), e_create and e_native (the native runner's name;
# empty = do not look for it).

# The identity: a token that the lease's maker stored; whoever resumes it compares.
e_identify() {
    [ "$e_token" ] || { e_who=unasked; return; }
    [ "$e_dir" ] || { e_who=missing; return; }
    e_x=
    # Several hosts may do so at once: whole or not at all, and they all write the same.
    if [ "$e_create" = 1 ] && [ ! -e "$e_dir/identity" ]; then
        umask 077
        { echo "$e_token"; } >"$e_dir/identity.$$" && mv -f "$e_dir/identity.$$" "$e_dir/identity" && e_x=1
    fi
    e_y=
    read -r e_y <"$e_dir/identity"
    e_who=mismatch
    [ "$e_y" ] || e_who=missing
    [ "$e_y" != "$e_token" ] || e_who=ok${e_x:+new}
}

# The life of the sandbox: from one start of its first process to the next. In a container the kernel, and so its boot,
# goes on when the sandbox is stopped and started. e_again: another life has begun since the last preparation.
e_live() {
    e_start=
    e_proc 1
    e_again=0
    [ "$e_dir" ] || return
    e_x=
    read -r e_x <"$e_dir/life"
    [ "$e_x" != "$e_boot-$e_start" ] || return
    [ -z "$e_x" ] || e_again=1
    echo "$e_boot-$e_start" >"$e_dir/life"
}

# The native runner: is it there, and does it run? (A start brings it along. An empty file says that it did not run here.)
e_look_native() {
    e_has=unasked e_bin=
    [ "$e_native" ] && [ "$e_dir" ] || return
    e_bin=$e_dir/$e_native e_has=absent
    [ -e "$e_bin" ] || return
    e_has=ok
    [ "$("$e_bin" check)" = "EEP1 runs" ] || e_has=broken
}

e_here=$PWD
case $e_root in
/*) ;;
*) e_root=$e_here/${e_root:-eep-workspace} ;;
esac
mkdir -p "$e_root"
[ -d "$e_root" ] || e_refuse workspace
e_folder || e_dir=
e_boots
[ -z "$e_dir" ] || e_walls
e_live
e_identify
e_arch=$(uname -m)
e_look_native
echo "EEP1 $e_no prepared identity=$e_who native=$e_has boot=$e_boot again=$e_again missing=${e_miss:-,} ."
echo "home $HOME"
echo "cwd $e_here"
echo "workspace $e_root"
echo "dir $e_dir"
echo "native $e_bin"
e_x=$(command -v bash || command -v sh)
case $e_x in /*) ;; *) e_x=/bin/sh ;; esac # busybox has its own
echo "shell $e_x"
e_x=$(id -un) # fails for a user without a name, yet some print the number
echo "user ${e_x:-$USER}"
echo "arch $e_arch"
echo "EEP1 $e_no end"
