# examine.sh: looks why commands may not work here, and changes nothing: the folder of the records, whether it can be
# written (a file of a few blocks, removed at once, in which a full disk shows), the identity, the tools, the disks. The
# request has set e_root (may be empty) and e_token (may be empty).

# e_disk NAME PATH: kilobytes in all and kilobytes free, where df is there to tell.
e_disk() {
    e_x=$(df -Pk "$2" | tail -n 1)
    set -- "$1" "$2" $e_x
    case $4$6 in
    '' | *[!0-9]*) echo "disk $1 - - $2" ;;
    *) echo "disk $1 $4 $6 $2" ;;
    esac
}

e_writes() {
    e_wr=no
    [ "$e_dir" ] || return
    e_wr=full
    e_f=$e_dir/w.$$
    { cat /proc/self/maps /proc/self/maps /proc/self/maps >"$e_f"; } && [ -s "$e_f" ] && e_wr=yes
    rm -f "$e_f"
}

case $e_root in
/*) ;;
*) e_root=$PWD/${e_root:-eep-workspace} ;;
esac
e_folder || e_dir=
e_writes
e_who=unasked
if [ "$e_token" ]; then
    e_y=
    e_who=missing
    [ "$e_dir" ] && read -r e_y <"$e_dir/identity"
    [ "$e_y" ] && e_who=mismatch
    [ "$e_y" != "$e_token" ] || e_who=ok
fi
echo "EEP1 $e_no examined identity=$e_who writes=$e_wr missing=${e_miss:-,} ."
echo "dir $e_dir"
e_disk home "${HOME:-/}"
e_disk workspace "$e_root"
e_disk tmp "${TMPDIR:-/tmp}"
echo "EEP1 $e_no end"
