# needs.sh: the tools that commands need and that are not there, in e_miss: ",a,b", or "" if all are.
e_miss=
for e_x in setsid cat rm sleep mkdir base64 head tail wc grep find ls date chmod mv; do
    command -v $e_x >/dev/null || e_miss=$e_miss,$e_x
done
