# place.sh: moves uploaded files to where they belong. The request has set e_staging and calls, in order and with e_path
# set, e_move MODE for each file and e_make MODE for each folder.
e_i=0 e_at= e_lines=

# e_dev PATH: the filesystem that it is on; nothing if that cannot be told.
e_dev() {
    stat -c %d "$1"
}
e_home=$(e_dev "$e_staging")

e_status() {
    e_lines="${e_lines}s $e_i $1
"
    e_i=$((e_i + 1))
}

# Makes the folder that e_path goes into, and looks whether a move to it is a rename.
e_parent() {
    e_x=${e_path%/*}
    [ "$e_x/" != "$e_at" ] || return 0
    mkdir -p "$e_x/" || return
    e_at=$e_x/ e_near=
    [ "$e_home" ] && [ "$(e_dev "$e_at")" = "$e_home" ] && e_near=1
    return 0
}

# A file from another filesystem goes beside its destination first, so that it appears whole or not at all.
e_rename() {
    if [ "$e_near" ]; then
        mv -f "$1" "$e_path"
    else
        mv -f "$1" "$e_at.eep-$e_no" && mv -f "$e_at.eep-$e_no" "$e_path" || { rm -f "$e_at.eep-$e_no"; return 1; }
    fi
}

e_move() {
    e_f=$e_staging/$e_i
    if [ ! -f "$e_f" ]; then
        e_status unstaged
    elif [ -d "$e_path" ]; then
        e_status folder
    elif ! e_parent; then
        e_status parent
    elif chmod "$1" "$e_f" && e_rename "$e_f"; then
        e_status ok
    else
        e_status failed
    fi
}

# A folder that exists keeps its mode.
e_make() {
    if [ -d "$e_path" ]; then
        e_status ok
    elif [ -e "$e_path" ]; then
        e_status folder
    elif ! e_parent; then
        e_status parent
    elif mkdir "$e_path" && chmod "$1" "$e_path"; then
        e_status ok
    else
        e_status failed
    fi
}

e_placed() {
    [ -z "$e_staging" ] || rm -rf "$e_staging"
    echo "EEP1 $e_no placed n=$e_i ."
    printf %s "$e_lines"
    echo "EEP1 $e_no end"
}
