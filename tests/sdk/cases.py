"""cases.py: the requests whose answers make up golden.json.

A case is a function whose name says the fact. It gets a Conversation (differential), prepares with .run(), and asks; each ask is recorded
as one answer. Cases stand alone: each has a directory of its own, made before it, as {case} below the home directory.
"""
import json
import time

CASES = []


def case(function):
    CASES.append(function)
    return function


def _multipart(*parts, boundary="BB", end="--BB--\r\n"):
    """parts are (header lines after Content-Disposition's form-data, body)."""
    text = b""
    for head, body in parts:
        text += ("--%s\r\nContent-Disposition: form-data; %s\r\n\r\n" % (boundary, head)).encode() + body + b"\r\n"
    return text + end.encode()


def _path(index, path):
    return 'name="files[%s].path"' % index, path.encode()


def _file(index, body):
    return 'name="files[%s].file"; filename="any"\r\nContent-Type: application/octet-stream' % index, body


_FORM = {"Content-Type": "multipart/form-data; boundary=BB"}

# -- the small routes


@case
def small_routes(c):
    c.get("/version")
    c.get("/work-dir")
    c.get("/user-home-dir")
    c.get("/project-dir")


@case
def a_route_that_is_not_there(c):
    c.get("/no/such/route")
    c.ask("POST", "/version")
    c.get("/files/upload-v2")  # newer daemons have it
    c.get("/env")


@case
def methods_that_a_route_has_not(c):
    c.run("printf abc > %s/f" % c.case)
    for method in ("HEAD", "OPTIONS", "PUT", "PATCH", "TRACE"):
        for target in ("/version", "/files?path={case}", "/files/download?path={case}/f", "/process/execute"):
            c.ask(method, target)
    c.get("/process/execute")
    c.ask("POST", "/files/info?path={case}/f")
    c.ask("get", "/version")


@case
def slashes_in_paths_of_routes(c):
    c.run("printf abc > %s/f" % c.case)
    for target in ("/version/", "//version", "/files//info?path={case}/f", "/files/info/?path={case}/f&x=<'\"%20>", "/./version", "/files/../version",
                   "/%76ersion", "/VERSION", "/files/none/", "/process/session//x"):
        c.get(target)
    for target in ("/process/execute/", "//process/execute"):
        c.ask("POST", target, body=b'{"command":"echo hi"}')
    c.ask("POST", "/files/bulk-upload/", body=_multipart(_path("0", "{case}/up"), _file("0", b"x")), headers=_FORM)
    c.ask("DELETE", "/files/?path={case}/f", after="ls %s" % c.case)


@case
def queries(c):
    c.run("cd %s && touch f 'a&b' 'a;b' 'a=b' 'a+b' '%%41' '#' '?'" % c.case)
    for query in ("path={case}/f&", "&path={case}/f", "path={case}/f;x=1", "x;path={case}/f", "path={case}%2Ff", "path={case}/%66", "path={case}/%zz",
                  "path={case}/%", "path={case}/%2541", "path={case}/a%26b", "path={case}/a;b", "path={case}/a%3Bb", "path={case}/a=b",
                  "path={case}/a+b", "path={case}/a%2Bb", "path={case}/%23", "path={case}/?", "path", "path=&path={case}/f", "path={case}/f&path=",
                  "p%61th={case}/f", "PATH={case}/f", "x=%zz&path={case}/f", "path={case}/f&x=%00", "path=%20{case}/f", "path=~", "path=%24HOME"):
        c.get("/files/info?" + query)


# -- execute: the shell


@case
def the_shell_is_bash_reading_its_input(c):
    c.execute("echo $0 $#")
    c.execute("cat\necho second")
    c.execute("echo first; read line; echo \"got: $line\"\nthis is not a command")
    c.execute("test -t 0 || echo no terminal")
    c.execute("shopt -q login_shell || echo no login; case $- in *i*) ;; *) echo not interactive ;; esac")


@case
def stdin_stdout_stderr_are_pipes(c):
    c.execute("for n in 0 1 2; do readlink /proc/$$/fd/$n | cut -d: -f1; done")
    c.execute("test /proc/$$/fd/1 -ef /proc/$$/fd/2 && echo one pipe for both")


@case
def a_shell_leads_its_group_and_no_session(c):
    c.execute("set -- $(ps -o pgid=,sid= -p $$); test $1 = $$ && echo group; test $2 = $$ || echo no session of its own")


@case
def signals_are_fresh(c):
    c.execute("grep -E '^Sig(Blk|Ign)' /proc/self/status; umask")


@case
def exit_codes(c):
    for command in ("true", "exit 7", "exit 255", "exit 256", "if then", "sh -c 'kill -9 $$'", "sh -c 'kill -TERM $$'",
                    "no-such-command-here", "kill -9 $$", "kill -TERM $$", "/usr", "exec true", "set -e; false; echo on",
                    "echo $(("):
        c.execute(command)


@case
def both_streams_are_one_in_order(c):
    c.execute("echo out; echo err >&2; echo more; printf 'no newline' >&2")


@case
def no_output(c):
    c.execute(":")


@case
def any_length_of_command(c):
    c.execute("printf '%s' '" + "x" * 300000 + "' | wc -c")  # longer than an argument may be


# -- execute: bytes


@case
def bytes_in_json(c):
    for text in (r"a\000b", r"\377\376<", r"\303\244 \342\202\254 \360\237\230\200", r"cut \342\202", r"\355\240\200", r"\300\200",
                 r"\364\220\200\200", r"\342\200\250\342\200\251", r"<>&\"\\/", r"\001\002\010\011\012\013\014\015\037\177", r"a\r\nb",
                 r"\357\273\277bom", r"\357\277\275"):
        c.execute("printf '%s'" % text.replace("'", "'\\''"), spelling=True)


@case
def all_bytes(c):
    c.execute("for i in $(seq 0 255); do printf \"\\\\x$(printf %02x $i)\"; done", spelling=True)


@case
def much_output(c):
    c.execute("head -c 3000000 /dev/zero | tr '\\0' x | md5sum; yes | head -n 20000 | tr -d '\\n'")


# -- execute: environment and directory


@case
def variables(c):
    c.execute("echo \"$A|$B_1|$PATH\"", envs={"A": "with 'quotes' and $dollar\nand lines", "B_1": ""})
    c.execute("echo $HOME $USER $LANG", envs={"HOME": "/tmp"})
    c.execute("printenv DAYTONA_SANDBOX_USER; test -n \"$DAYTONA_SANDBOX_ID\" && echo has an id")
    for name in ("A-B", "1A", "", "A B", "A=B", "\u00e4", "A\n"):
        c.execute("true", envs={name: "x"})
    c.execute("true", envs={})


@case
def directories(c):
    c.run("cd %s && mkdir -p sub && : > plain && mkdir -m 0 closed" % c.case)
    c.execute("pwd")
    c.execute("pwd", cwd="/usr/bin")
    c.execute("basename $PWD", cwd=c.case + "/sub")
    c.execute("pwd", cwd="")
    for cwd in ("/no/such/dir", c.case + "/plain", c.case + "/closed"):
        c.execute("pwd", cwd=cwd)


@case
def the_name_of_the_working_directory(c):
    c.run("cd %s && mkdir -p 'a b' ä '%%41' '$HOME' && ln -s 'a b' link && ln -s nowhere dangling && ln -s loop loop" % c.case)
    for name in ("a b", "ä", "%41", "$HOME", "link", "link/", "link/..", "a b//../ä/.", "dangling", "loop", "*", "a\nb"):
        c.execute("pwd; pwd -P; echo \"$OLDPWD\"", cwd=c.case + "/" + name)
    c.execute("pwd; pwd -P", cwd=c.case + "/link", envs={"A": "x"})
    c.execute("pwd", cwd=c.case + "/link", envs={"PWD": "/wrong"})
    for cwd in (".", "..", "//", "/usr/../usr/bin/", "\u0000", "/usr\u0000x", "x" * 5000, "\ud800"):
        c.execute("pwd", cwd=cwd)


@case
def values_of_variables(c):
    for envs in ({"A": "x" * 70000}, {"A": "x" * 200000}, {"PATH": "/nonexistent"}, {"IFS": "x"}, {"SHELLOPTS": "xtrace"}, {"_": "u"}, {"UID": "5"},
                 {"A": "a\u0000b"}, {"A": "\ud800"}, {"A": "ä€😀"}, {"A": "\r\n\t\u007f"}, {"A": "$(id) `id` ' \\"},
                 {"a": "b", "A": "c"}, {"A": "x", "B": None}, {"A[0]": "x"}, {" A": "x"}, {"A.B": "x"}):
        c.execute("echo \"${#A}|${A:0:100}|$a|$B|$LANG\"", envs=envs)
    c.execute("echo $A", env={"A": "x"})
    c.execute("echo $A", envs=[["A", "x"]])


# -- execute: time


def _await(path):
    """Waits in the sandbox until the file is there, within a limit that only a fault needs."""
    return "for n in $(seq 200); do test -e %s && break; sleep 0.05; done; ls %s" % (path, path)


@case
def a_timeout_loses_the_output(c):
    c.execute("echo before; sleep 5; echo after", timeout=1)
    c.execute("exec sleep 5", timeout=1)
    c.execute("trap '' TERM INT; echo before; sleep 5", timeout=1)
    c.execute("sleep 0.1; echo in time", timeout=2)
    c.execute("sleep 0.1; echo no limit", timeout=0)


@case
def a_timeout_kills_the_group(c):
    c.execute("(sleep 3; touch %s/survived) & wait" % c.case, timeout=1)
    c.execute("(sleep 3; touch %s/survived) & sleep 30" % c.case, timeout=1)
    time.sleep(2.5)
    c.execute("ls %s" % c.case)


@case
def who_leaves_the_group_survives_a_timeout(c):
    c.execute("setsid sh -c 'sleep 2; touch %s/survived' >/dev/null 2>&1 & sleep 30" % c.case, timeout=1)
    c.execute(_await(c.case + "/survived"))


@case
def who_leaves_the_group_holds_even_the_timeouts_answer(c):
    c.execute("setsid sleep 2.5 & sleep 30", timeout=1, slow_s=2)


@case
def a_background_child_holds_the_answer(c):
    c.execute("sleep 1.2 & echo started", slow_s=1)
    c.execute("sleep 30 >/dev/null 2>&1 & echo started; kill $!")
    c.execute("(sleep 1.2; echo late) & echo started; exit 3", slow_s=1)
    c.execute("sleep 4 & echo started", timeout=1)  # the limit counts for it, too


@case
def a_client_that_leaves_stops_nothing(c):
    c.leave("sleep 1; touch %s/finished" % c.case, after_s=0.2)
    c.execute(_await(c.case + "/finished"))


@case
def children_do_not_die_with_their_shell(c):
    c.execute("(sleep 2; touch %s/later) >/dev/null 2>&1 & true" % c.case)
    c.execute("ls %s" % c.case)
    c.execute(_await(c.case + "/later"))


# -- execute: what is refused


@case
def bad_execute_bodies(c):
    for body in ('{}', '{"command":""}', '{"command":" \\n\\t"}', '{"command":null}', '{"command":1}', '{"command":["true"]}',
                 '{"command":{"a":1}}', '{"command":true}', '{"command":"true","timeout":-1}', '{"command":"true","timeout":1.5}',
                 '{"command":"true","timeout":"1"}', '{"command":"true","timeout":4294967296}', '{"command":"true","timeout":null}',
                 '{"command":"true","cwd":1}', '{"command":"true","cwd":null}', '{"command":"true","envs":1}',
                 '{"command":"true","envs":[]}', '{"command":"true","envs":{"A":1}}', '{"command":"true","envs":null}',
                 '{"command":"true","unknown":1}', '[]', 'null', '"text"', '1', ''):
        c.ask("POST", "/process/execute", body=body.encode(), headers={"Content-Type": "application/json"})


@case
def bad_json(c):
    for body in ('not json', '{"command":"true"', '{"command":"tr', "{'command':'true'}", '{"command":"true",}'):
        c.ask("POST", "/process/execute", body=body.encode(), headers={"Content-Type": "application/json"})


@case
def loose_json(c):
    c.ask("POST", "/process/execute", body=b'{"command":"echo 1"} and more', headers={"Content-Type": "application/json"})
    c.ask("POST", "/process/execute", body=b'{"command":"echo 2"}', headers={"Content-Type": "text/plain"})
    c.ask("POST", "/process/execute", body=b'{"command":"echo 3","command":"echo 4"}')
    c.ask("POST", "/process/execute", body=b'{"command":"echo \\ud83d\\ude00 \\ud83d \\u00e4"}', spelling=True)
    c.ask("POST", "/process/execute", body=b'{"command":"echo \xff\xfe"}', spelling=True)
    c.ask("POST", "/process/execute", body=b'{"command":"echo a\\u0000b"}', spelling=True)


@case
def json_to_the_letter(c):
    for body in (b"\xef\xbb\xbf{}", b" \n\t\r{\"command\":\"echo 1\"}\n", b"\v{}", b'{"Command":"echo 1"}', b'{"command":"echo \n1"}', b'{"command":"echo \t1"}',
                 b'{"command":"echo \\/1\\b\\f"}', b'{"command":"echo \\x41"}', b'{"command":"echo \\u00"}', b'{"command":"\\u0000"}', b'// c\n{"command":"echo 1"}',
                 b'{,"command":"echo 1"}', b'{"command" "echo 1"}', b'{"command":"echo 1" "cwd":"/"}', b'{"command":NaN}', b'{"command":"true","timeout":Infinity}',
                 b'{"command":"echo 1"}}', b'{"command":"echo 1"}{"command":"echo 2"}', b'{"command":"echo 1"}\x00', b"\x00", b" ", b'"', b"tru", b"truex", b"-", b"0",
                 b"1.5", b'{"command":"echo 1","x":' + b"[" * 100 + b"]" * 100 + b"}", b"[" * 11000, b'{"command":"echo 1","x":1e999}', b'{"command":"echo 1","x":01}',
                 b'{"command":"true","x":"\\q"}', b'{"command":"echo \xed\xa0\x80"}', b'{"comm\\u0061nd":"echo escaped"}', b'{"\xc3":1,"command":"echo 1"}',
                 b'{"command":"echo 1","x":[1,]}', b'{"command":"echo 1","x":[1 2]}', b'{"command":"echo 1","x":-a}', b'{"command":"echo 1","x":1.}', b'{"command":"true","x":1e}'):
        c.ask("POST", "/process/execute", body=body, headers={"Content-Type": "application/json"}, spelling=True)


@case
def numbers_of_seconds(c):
    for number in ("1.0", "1e0", "1E2", "10e-1", "0.5", "true", "[]", "{}", "4294967295", "1e10", "9007199254740993", "null", "01", "+1", ".5", "1."):
        c.ask("POST", "/process/execute", body=('{"command":"echo hi","timeout":%s}' % number).encode())


@case
def content_types_mean_nothing(c):
    for value in ("", "application/json; charset=latin1", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data; boundary=BB",
                  "application/x-yaml", "bogus"):
        for target, body in (("/process/execute", b'{"command":"echo hi"}'), ("/files/bulk-download", b'{"paths":["none"]}'),
                             ("/process/code-run", b'{"code":"print(1)","language":"python"}')):
            c.ask("POST", target, body=body, headers={"Content-Type": value})


# -- code-run


@case
def python_code(c):
    c.code("print('one'); import sys; print('two', file=sys.stderr); print(sys.argv)")
    c.code("import sys; print(sys.argv[1:])", argv=["a", "b c", "'d e'", "$USER"])
    c.code("import os; print(os.environ['K'], os.getcwd())", envs={"K": "v"})
    c.code("raise SystemExit(3)")
    c.code("import sys; print(sys.stdin.read() == '')")
    c.code("print(chr(0xe4), end='')")
    c.code("import time; print('lost', flush=True); time.sleep(5)", timeout=1)
    c.code("")
    c.code("print('kept')\nprint('dtn_artifact_k39fd2:{}')\nprint('kept too')")


@case
def python_failures(c):
    c.code("import sys; sys.exit('a reason')")
    c.code("import os; os._exit(9)")


@case
def bad_code_run_bodies(c):
    for body in ('{"code":"print(1)"}', '{"code":"puts 1","language":"ruby"}', '{"language":"python"}', '{}', '',
                 '{"code":"1","language":"python","envs":{"A-B":"x"}}', '{"code":1,"language":"python"}',
                 '{"code":"1","language":"python","argv":"a"}', '{"code":"1","language":"python","argv":[1]}',
                 '{"code":"1","language":"Python"}', '{"code":"1","language":"python","timeout":-1}'):
        c.ask("POST", "/process/code-run", body=body.encode(), headers={"Content-Type": "application/json"})


# -- files: directories and metadata


@case
def folders(c):
    for query in ("path={case}/a/b&mode=0750", "path={case}/a/b&mode=0750", "path={case}/c", "path={case}/d&mode=", "path={case}/e&mode=xyz",
                  "path={case}/e&mode=9", "path={case}/e&mode=0x1ff", "mode=755", "path=", "path=/usr/nope&mode=755", "path={case}/g&mode=777",
                  "path={case}/h&mode=1777", "path={case}/i&mode=2755", "path={case}/j&mode=-1", "path={case}/k+l%2Bm&mode=700",
                  "path={case}/n/&mode=0700", "path={case}/./o/../p&mode=0700"):
        c.ask("POST", "/files/folder?" + query)
    c.run("echo x > %s/file" % c.case)
    c.ask("POST", "/files/folder?path={case}/file&mode=755")
    c.ask("POST", "/files/folder?path={case}/file/below&mode=755")
    c.execute("cd %s && find . -mindepth 1 | sort | xargs -d '\\n' stat -c '%%n %%a'" % c.case)


@case
def information(c):
    c.run("cd %s && printf hello > 'a b' && chmod 640 'a b' && mkdir -m 1777 d && TZ=UTC touch -d '2001-01-31 12:00:00.5' 'a b' && "
          "ln -s 'a b' link && ln -s nowhere dangling && mkfifo -m 600 fifo && install -m 4755 /dev/null suid && "
          "install -m 2755 /dev/null sgid && mkdir -m 0 closed && TZ=UTC touch -d '2001-02-03 04:05:06' 'sgid'" % c.case)
    for name in ("a+b", "d", "link", "dangling", "fifo", "suid", "sgid", "closed", "closed/x", "a+b/x", "none", "d/", "d/.", "d/..", "./d"):
        c.get("/files/info?path={case}/" + name)
    c.get("/files/info?path=/dev/null")
    c.get("/files/info?path=/")
    c.get("/files/info?path=.")
    c.get("/files/info")
    c.get("/files/info?path=")
    c.get("/files/info?path={case}/" + "x" * 300)
    c.get("/files/info?path={case}/a%00b")


@case
def listing(c):
    c.run("cd %s && mkdir -p ls/sub && cd ls && touch b a .hidden B '\u00e4' && chmod 600 a && ln -s nowhere broken && ln -s a link && "
          "mkdir empty && mkdir -m 0 ../closed" % c.case)
    c.get("/files?path={case}/ls")
    c.get("/files/?path={case}/ls")
    c.get("/files?path={case}/ls/")
    c.get("/files?path={case}/ls/empty")
    c.get("/files?path={case}/ls/a")
    c.get("/files?path={case}/none")
    c.get("/files?path={case}/closed")
    c.get("/files?path={case}/ls&depth=2")


@case
def an_absent_path_lists_the_working_directory(c):
    c.run("mkdir -p seen-in-listing")
    c.get("/files", only="seen-in-listing")
    c.get("/files?path=", only="seen-in-listing")
    c.get("/files?path=.", only="seen-in-listing")


@case
def removal(c):
    c.run("cd %s && mkdir -p full/deep empty && touch file && ln -s nowhere dangling && ln -s full dirlink && mkdir -p closed/in && "
          "chmod 555 closed" % c.case)
    for query in ("path={case}/full", "path={case}/empty", "path={case}/dangling", "path={case}/file", "path={case}/file",
                  "path={case}/full&recursive=yes", "path={case}/dirlink", "path={case}/dirlink&recursive=true",
                  "path={case}/full&recursive=true", "path={case}/full&recursive=true", "path={case}/closed/in&recursive=true",
                  "path=", "", "path=/usr/bin/env", "path={case}/dangling&recursive=true"):
        c.ask("DELETE", "/files?" + query)
    c.execute("ls -A %s" % c.case)


@case
def moving(c):
    c.run("cd %s && echo 1 > from && echo 2 > taken && mkdir dir && echo 3 > dir/x && ln -s nowhere dangling && ln -s dir/x link && "
          "mkdir -m 555 closed" % c.case)
    for source, destination in (("from", "taken"), ("from", "no/such/dir"), ("none", "x"), ("from", "to%2Bplus"), ("dir", "dir2"),
                                ("dangling", "y"), ("link", "link2"), ("to%2Bplus", "dangling"),
                                ("dangling", "closed/x")):
        c.ask("POST", "/files/move?source={case}/%s&destination={case}/%s" % (source, destination))
    c.ask("POST", "/files/move?source={case}/dir2")
    c.ask("POST", "/files/move?destination={case}/dir2")
    c.ask("POST", "/files/move?source=/usr/bin/env&destination={case}/env")  # may copy, may not remove
    c.execute("cd %s && ls -A && cat dangling dir2/x && readlink link2 && test -x env && echo copied" % c.case)


@case
def moving_a_folder_into_itself(c):
    c.run("cd %s && mkdir dir && touch dir/x" % c.case)
    c.ask("POST", "/files/move?source={case}/dir&destination={case}/dir/below", after="ls -A %s" % c.case)


@case
def moving_between_file_systems(c):
    c.run("cd %s && mkdir -p tree/deep && echo 1 > tree/deep/file && chmod 640 tree/deep/file && rm -rf /dev/shm/moved" % c.case)
    c.ask("POST", "/files/move?source={case}/tree&destination=/dev/shm/moved")
    c.execute("ls %s; cat /dev/shm/moved/deep/file; stat -c %%a /dev/shm/moved/deep/file; rm -rf /dev/shm/moved" % c.case)


@case
def permissions(c):
    c.run("cd %s && touch f && ln -s f link && ln -s nowhere dangling" % c.case)
    for query in ("path={case}/f&mode=0600", "path={case}/f&mode=755", "path={case}/f", "path={case}/f&mode=", "path={case}/f&mode=abc",
                  "path={case}/f&mode=8", "path={case}/link&mode=0640", "path={case}/dangling&mode=600", "path={case}/none&mode=0600", "mode=0600",
                  "path={case}/f&owner=root", "path={case}/f&owner=nobody-here", "path={case}/f&group=no-such-group", "path={case}/f&owner=daytona",
                  "path={case}/f&owner=1000&group=1000", "path={case}/f&group=0", "path={case}/f&group=daytona&mode=0604",
                  "path={case}/f&mode=0611&owner=0", "path=/usr/bin/env&mode=0777"):
        c.ask("POST", "/files/permissions?" + query, after="stat -c %%a %s/f" % c.case)
    c.ask("POST", "/files/permissions?path={case}/f&mode=4755", after="stat -c %%a %s/f" % c.case)


@case
def paths_are_cleaned_or_not(c):
    c.run("cd %s && mkdir -p d/x e/deep && ln -s e/deep link && touch f g e/f" % c.case)
    for query in ("path={case}/f/&mode=600", "path={case}/d/&mode=700", "path={case}/link/../f&mode=640"):
        c.ask("POST", "/files/permissions?" + query, after="stat -c %%a %s/f %s/e/f" % (c.case, c.case))
    for name in ("f/", "link/../f", "none/../f", "d/."):
        c.get("/files/download?path={case}/" + name)
        c.get("/files/info?path={case}/" + name)
        c.bulk_download([c.case + "/" + name])
    for source, destination in (("f", "d/"), ("f", "h/"), ("h", ""), ("", "h"), ("link/../h", "d/../i"), ("i/", "i2/x")):
        c.ask("POST", "/files/move?source={case}/%s&destination={case}/%s" % (source, destination), after="cd %s; find . | sort" % c.case)
    for path in ("f/", "d/.&recursive=true", "d/&recursive=true", "link/../g"):
        c.ask("DELETE", "/files?path={case}/" + path, after="cd %s; find . | sort" % c.case)
    c.ask("DELETE", "/files?path=.&recursive=true", after="ls -d %s" % c.case)


@case
def odd_modes_and_owners(c):
    c.run("cd %s && touch f && mkdir d" % c.case)
    for mode in ("00", "0o755", "%20755", "755%20", "%2B755", "7_5_5", "77777", "4294967295", "37777777777", "40000000000", "755&mode=700"):
        c.ask("POST", "/files/folder?path={case}/m&mode=" + mode, after="cd %s; stat -c %%a m; rm -rf m" % c.case)
        c.ask("POST", "/files/permissions?path={case}/f&mode=" + mode, after="stat -c %%a %s/f" % c.case)
    for query in ("owner=", "owner=-1", "owner=%2B1000", "owner=999999", "owner=4294967295", "owner=99999999999", "owner=1000.5", "owner=%201000", "owner=1000%20",
                  "owner=daytona:daytona", "group=nogroup", "group=1000", "group=x&owner=x"):
        c.ask("POST", "/files/permissions?path={case}/f&" + query)


@case
def names_that_are_not_utf8(c):
    c.run("cd %s && printf 'needle \\377 x\\n' > $(printf 'bad\\377') && mkdir $(printf 'dir\\300') && printf 'needle\\n' > $(printf 'dir\\300/f')" % c.case)
    c.get("/files?path={case}")
    c.get("/files/info?path={case}/bad%FF")
    c.get("/files/search?path={case}&pattern=*")
    c.get("/files/search?path={case}&pattern=bad?")
    c.get("/files/find?path={case}&pattern=needle")
    c.get("/files/find?path={case}&pattern=%FF")
    c.get("/files/download?path={case}/bad%FE")
    bad = c.case.encode() + b"/bad\xff"
    c.ask("POST", "/files/bulk-download", body=b'{"paths":["' + bad + b'"]}')
    c.ask("POST", "/files/replace", body=b'{"files":["' + bad + b'"],"pattern":"a","newValue":"b"}')
    c.ask("POST", "/files/move?source={case}/bad%FF&destination={case}/bad%FE")
    c.upload(_multipart(('name="files[0].path"', b"{case}/up\xff/x"), _file("0", b"x"), ('name="files[1].path"', b"/nope/\xff"), _file("1", b"x")))
    c.execute("cd %s && ls | od -An -c" % c.case)


# -- files: find, search, replace


@case
def finding(c):
    c.run("cd %s && mkdir -p t/sub t/zz && printf 'one needle\\ntwo\\r\\nneedle three' > t/a.txt && printf 'needle\\n' > t/sub/b && "
          "printf 'bin\\0needle\\n' > t/binary && ln -s a.txt t/link && : > t/empty && printf 'NEEDLE\\n' > t/upper && "
          "printf 'needle \\344 \\303\\244 <&>\\n' > t/zz/latin && mkdir -m 0 t/closed && install -m 0 t/a.txt t/unreadable && "
          "{ echo needle first; head -c 70000 /dev/zero | tr '\\0' x; echo; echo needle last; } > t/long && "
          "{ head -c 600 /dev/zero | tr '\\0' y; printf '\\0\\nneedle after a late NUL\\n'; } > t/late && "
          "mkfifo t/fifo && touch t/zz/needle" % c.case)
    c.get("/files/find?path={case}/t&pattern=needle", spelling=True)
    c.get("/files/find?path={case}/t/&pattern=two")
    c.get("/files/find?path={case}/./t&pattern=one+needle")
    c.get("/files/find?path={case}/t/a.txt&pattern=needle")
    c.get("/files/find?path={case}/t/link&pattern=needle")
    c.get("/files/find?path={case}/t&pattern=n.*e")
    c.get("/files/find?path={case}/none&pattern=x")
    c.get("/files/find?path={case}/t/closed&pattern=x")
    c.get("/files/find?path={case}/t&pattern=")
    c.get("/files/find?path={case}/t")
    c.get("/files/find?pattern=x")


@case
def finding_at_the_limit_of_a_line(c):
    c.run("cd %s && x() { head -c $1 /dev/zero | tr '\\0' x; } && { x 65530; echo needle; } > a && { x 65529; echo needle; } > b && "
          "{ x 65529; printf needle; } > c && { x 65530; printf needle; } > d && { x 65528; printf 'needle\\r\\n'; } > e && "
          "{ x 65529; printf 'needle\\r\\n'; } > f" % c.case)
    c.get("/files/find?path={case}&pattern=needle", shorten=True)


@case
def searching(c):
    c.run("cd %s && mkdir -p s/sub.txt/deep s/closed.txt && touch s/a.txt s/b.TXT s/.txt s/sub.txt/c.txt s/sub.txt/deep/d.txt 's/[x].txt' "
          "'s/\u00e4.txt' 's/back\\slash.txt' && ln -s nowhere s/dangling.txt && ln -s sub.txt s/dirlink.txt && chmod 0 s/closed.txt" % c.case)
    for pattern in ("*.txt", "?.txt", "[ab].*", "[^a].txt", "[!a].txt", "[a-c].txt", "*", "a.txt", "\\[x\\].txt", "[", "[a", "a\\", "**/*.txt",
                    "sub.txt/c.txt", "S*", "\u00e4*", "[\u00e0-\u00ff].txt", "back\\\\slash.txt", "*b*t*", "[]a].txt", "[a-].txt", "[b-a].txt", "{a,b}.txt",
                    "*.t?t", "[\\[]x].txt"):
        c.get("/files/search?path={case}/s&pattern=" + c.quote(pattern))
    c.get("/files/search?path={case}/s/a.txt&pattern=*.txt")
    c.get("/files/search?path={case}/s/sub.txt/&pattern=*")
    c.get("/files/search?path={case}/none&pattern=*")
    c.get("/files/search?path={case}/s")
    c.get("/files/search?pattern=*")


@case
def where_one_searches_from(c):
    c.run("cd %s && mkdir -p t/a && printf needle > t/a/f && ln -s a t/ld && ln -s a/f t/l" % c.case)
    for path in ("t/a/f", "t/l", "t/ld", "t/ld/", "t/../t/a", "t//a", "./t/a/", "t/none", "t/a/f/x"):
        c.get("/files/find?path={case}/%s&pattern=needle" % path)
        c.get("/files/search?path={case}/%s&pattern=*" % path)
    c.get("/files/search?path=/dev/shm/&pattern=shm")
    c.get("/files/search?path={case}/t/..&pattern=..")


@case
def replacing(c):
    c.run("cd %s && printf 'aXbXc' > f1 && printf 'none' > f2 && chmod 640 f1 && install -m 444 f1 readonly && mkdir d && "
          "printf 'X\\377\\0X' > bytes && ln -s f2 link && ln -s nowhere dangling && install -m 0 f1 unreadable" % c.case)

    def replace(**body):
        c.ask("POST", "/files/replace", body=json.dumps(body).encode(), headers={"Content-Type": "application/json"})

    at = lambda *names: [c.case + "/" + name for name in names]
    replace(files=at("f1", "f2", "none", "d", "readonly", "bytes", "link", "dangling", "unreadable"), pattern="X", newValue="<yes>")
    replace(files=at("f1"), pattern="<yes>", newValue="")
    replace(files=at("f1"), pattern="b.", newValue="nope")
    replace(files=[], pattern="X", newValue="y")
    replace(files=at("f1"), pattern="", newValue="y")
    replace(files=at("f1"), pattern="a")
    replace(files=at("f1"), pattern="a", newValue=None)
    replace(pattern="X", newValue="y")
    replace(files=at("f1"), newValue="y")
    replace(files="f1", pattern="a", newValue="y")
    replace(files=at("f1"), pattern="abc", newValue="aabca")
    replace(files=[c.case + "/f1\u0000x", "", None, c.case + "/f1/", c.case + "/" + "n" * 300], pattern="a", newValue="b")
    c.ask("POST", "/files/replace", body=b"not json", headers={"Content-Type": "application/json"})
    c.ask("POST", "/files/replace")
    c.execute("cd %s && for f in f1 f2 readonly bytes; do stat -c '%%n %%a' $f; od -An -c $f; done; ls -A" % c.case)


# -- files: up


@case
def bulk_upload(c):
    c.upload(_multipart(_path("0", " {case}/up/deep/one \n"), _file("0", b"1\r\n--Bx"), _path("1", "{case}/two"), _file("1", b"")))
    c.execute("cd %s && od -An -c up/deep/one && stat -c '%%n %%a' up up/deep up/deep/one two" % c.case)
    c.run("cd %s && chmod 600 two && echo long content > up/deep/one && ln -s two link" % c.case)
    c.upload(_multipart(_path("0", "{case}/two"), _file("0", b"\x00\xff"), _path("1", "{case}/up/deep/one"), _file("1", b"s"),
                        _path("2", "{case}/link"), _file("2", b"through")))
    c.execute("cd %s && od -An -c up/deep/one two && stat -c '%%n %%a %%s' up/deep/one two && readlink link" % c.case)


@case
def bulk_upload_takes_all_paths_first(c):
    c.upload(_multipart(_path("0", "{case}/p0"), _path("x", "{case}/px"), _file("0", b"zero"), _file("x", b"ex")))
    c.upload(_multipart(_path("0", "{case}/a"), _file("0", b"first"), _file("0", b"again")))
    c.upload(_multipart(_path("0", "{case}/b"), _path("0", "{case}/c"), _file("0", b"the last path counts")))
    c.execute("cd %s && ls && cat p0 px a && ls b; cat c" % c.case)


@case
def bulk_upload_tells_what_failed(c):
    c.run("cd %s && mkdir dir && mkdir -m 555 closed && echo x > plain" % c.case)
    c.upload(_multipart(_file("0", b"no path"), _path("1", "/usr/nope"), _file("1", b"y"), _path("2", "{case}/fine"), _file("2", b"z")))
    c.upload(_multipart(_path("0", "{case}/dir"), _file("0", b"x")))
    c.upload(_multipart(_path("0", "{case}/closed/new/x"), _file("0", b"x")))
    c.upload(_multipart(_path("0", "{case}/plain/x"), _file("0", b"x")))
    c.upload(_multipart(_path("0", " \n"), _file("0", b"x")))
    c.upload(_multipart(_path("0", "{case}/no-file")))
    c.upload(_multipart(('name="other"', b"ignored"), ('name="file"; filename="x"', b"ignored")))
    c.upload(b"--BB--\r\n")
    c.upload(b"")
    c.execute("cd %s && ls -A && cat fine" % c.case)


@case
def bulk_upload_of_half_a_form(c):
    c.upload(_multipart(_path("0", "{case}/cut"), _file("0", b"whole"), end='--BB\r\nContent-Disposition: form-data; name="files[1].path"\r\n\r\n{case}/t'))
    c.upload(_multipart(_path("0", "{case}/cut2"), end='--BB\r\nContent-Disposition: form-data; name="files[0].file"; filename="f"\r\n\r\nhal'))
    c.execute("cd %s && ls -A && cat cut && cat cut2" % c.case)


@case
def no_form_at_all(c):
    c.ask("POST", "/files/bulk-upload", body=b"{}", headers={"Content-Type": "application/json"})
    c.ask("POST", "/files/bulk-upload", body=b"x")
    c.ask("POST", "/files/bulk-upload", body=b"x", headers={"Content-Type": "multipart/form-data"})
    c.ask("POST", "/files/bulk-upload", body=b"not a form", headers=_FORM)


@case
def names_of_forms(c):
    form = _multipart(_path("0", "{case}/f"), _file("0", b"x"))
    for value in ('multipart/form-data; boundary="BB"', "multipart/form-data;boundary=BB", "Multipart/Form-Data; Boundary=BB", "multipart/form-data; charset=utf-8; boundary=BB",
                  "multipart/mixed; boundary=BB", "multipart/related; boundary=BB", "multipart/form-data; boundary=", "multipart/form-data; boundary=BB;",
                  "multipart/form-data; boundary=B", "multipart/form-data, boundary=BB", "multipart/form-data; boundary= BB", "multipart/form-data; boundary=BB; boundary=CC",
                  "multipart/form-data boundary=BB", "multipart/form-data; boundary='BB'", "multipart/form-data; boundary=BB; x"):
        c.ask("POST", "/files/bulk-upload", body=form, headers={"Content-Type": value}, words="POST bulk-upload as " + value, after="cd %s; ls; rm -f f" % c.case)


@case
def odd_forms(c):
    form = _multipart(_path("0", "{case}/f"), _file("0", b"x"))
    type_line, field = b"Content-Type: application/octet-stream", b'name="files[0].path"'
    for change in ((b"\r\n", b"\n"), (b"--BB--", b"--BB-- "), (b"--BB\r\n", b"--BB  \r\n"), (b"--BB\r\n", b"--BB x\r\n"), (b"form-data", b"Form-Data"),
                   (b"form-data", b"attachment"), (b"Content-Disposition", b"content-disposition"), (b"Content-Disposition", b"X-Other"), (field, b"name=files[0].path"),
                   (field, field + b'; name="x"'), (field, field + b"; name=x; x"), (b"files[0]", b"files[a b]"), (b"files[0]", b"files[]"), (b"files[0]", b""),
                   (b"files[0].path", b"files[0].Path"), (b'; filename="any"', b""), (type_line, b"Content-Transfer-Encoding: base64"), (type_line, b"Folded: a\r\n b"),
                   (type_line, b"Bad Header"), (type_line, b": x"), (type_line, b'"Q\\'), (type_line, b"X: " + b"y" * 20000), (b"\r\n\r\nx", b"\r\n\r\n"),
                   (b"\r\n\r\nx", b"\r\n\r\n--BBx"), (b"\r\n\r\nx", b"\r\n\r\n\r\n--B"), (b"\r\n\r\nx", b"\r\n\r\nx\r\n--BB-x")):
        c.ask("POST", "/files/bulk-upload", body=form.replace(*change), headers=_FORM, words="POST bulk-upload %r" % (tuple(part[:60] for part in change),),
              after="cd %s; find . -type f -exec od -An -c {} +; rm -f f" % c.case)
    form = c.fill(form)
    for cut in (form.index(b"files"), form.index(b"\r\n\r\n") + 2, form.rindex(b"Content-Type") + 3, form.rindex(b"--BB--"), form.rindex(b"--BB--") + 2,
                form.rindex(b"--BB--") + 4, form.rindex(b"--BB--") + 5, form.rindex(b"--BB--") + 6):
        c.ask("POST", "/files/bulk-upload", body=form[:cut], headers=_FORM, after="cd %s; find . -type f -exec od -An -c {} +; rm -f f" % c.case)
    for body in (b"preamble\r\n" + form, b"\r\n" + form, form + b"epilogue", b"--BB", b"--BB\r\n\r\nx\r\n--BB--\r\n", b"--BB\r\n--BB--\r\n"):
        c.ask("POST", "/files/bulk-upload", body=body, headers=_FORM)


@case
def paths_of_uploads(c):
    c.run("cd %s && mkdir d && ln -s nowhere dangling && ln -s d link && ln -s /nonexistent/x far && install -m 444 /dev/null closed && ln -s loop loop" % c.case)
    for path in ("a b", "ä€", "d/", "d", "dangling", "link/x", "far", "closed", "loop", "a//b", "./q", "x/../y", "d/../z", "%41", "a\nb", "~", "n" * 256,
                 "m" * 200 + "/" + "k" * 200, "'q'", '"dq"', "back\\slash", "nul\x00x", "closed/x/y", "d/new/../../w"):
        c.ask("POST", "/files/bulk-upload", body=_multipart(('name="files[0].path"', b"{case}/" + path.encode()), _file("0", b"x")), headers=_FORM,
              words="POST bulk-upload to " + path)
    for path in ("/dev/null", "/", "..", ".", "/usr/bin/env"):
        c.upload(_multipart(_path("0", path), _file("0", b"x")))
    c.execute("cd %s; find . -mindepth 1 | sort | sed 's/\\(.\\)\\1\\{99,\\}/\\1.../'" % c.case)


@case
def bulk_upload_is_chunked_too(c):
    body = c.fill(_multipart(_path("0", "{case}/chunked"), _file("0", b"x" * 100000)))
    c.ask("POST", "/files/bulk-upload", body=iter([body[:10], body[10:5000], body[5000:]]), headers={**_FORM, "Transfer-Encoding": "chunked"})
    c.execute("wc -c < %s/chunked" % c.case)


@case
def single_upload(c):
    form = _multipart(('name="file"; filename="ignored"\r\nContent-Type: application/octet-stream', b"single"))
    c.run("mkdir -m 755 %s/dir" % c.case)
    c.ask("POST", "/files/upload?path={case}/dir/one", body=form, headers=_FORM)
    c.ask("POST", "/files/upload?path={case}/new/deep/two", body=form, headers=_FORM)
    c.ask("POST", "/files/upload", body=form, headers=_FORM)
    c.ask("POST", "/files/upload?path={case}/three", body=_multipart(('name="other"; filename="x"', b"x")), headers=_FORM)
    c.ask("POST", "/files/upload?path=/usr/nope", body=form, headers=_FORM)
    c.ask("POST", "/files/upload?path={case}/dir", body=form, headers=_FORM)
    c.ask("POST", "/files/upload?path={case}/four", body=b"raw")
    c.ask("POST", "/files/upload?path={case}/five", body=_multipart(('name="file"', b"no file")), headers=_FORM)
    c.ask("POST", "/files/upload?path={case}/six", body=_multipart(('name="file"; filename=""', b"no file")), headers=_FORM)
    c.ask("POST", "/files/upload?path={case}/seven", body=_multipart(('name="file"; filename="a"', b"1"), ('name="file"; filename="b"', b"2")), headers=_FORM)
    c.ask("POST", "/files/upload?path={case}/eight", body=form[:-6], headers=_FORM)
    c.ask("POST", "/files/upload?path={case}/nine/../ten", body=form, headers=_FORM)
    c.ask("POST", "/files/upload?path={case}/eleven/", body=form, headers=_FORM)
    c.execute("cd %s && cat dir/one new/deep/two && find . -mindepth 1 | sort | xargs stat -c '%%n %%a'" % c.case)


# -- files: down


@case
def downloads(c):
    c.run("cd %s && printf 0123456789 > f && : > empty && printf '<html>' > page.html && printf x > 'a \"b\" \u00e4\u20ac.txt' && mkdir -m 755 d && "
          "install -m 0 f closed && ln -s f link && ln -s nowhere dangling && TZ=UTC touch -d '2001-01-31 12:00:00' f" % c.case)
    for name in ("f", "empty", "page.html", "a+%22b%22+%C3%A4%E2%82%AC.txt", "link", "d", "closed", "dangling", "none", "f/x", "./d/../f"):
        c.get("/files/download?path={case}/" + name)
    c.get("/files/download")
    c.get("/files/download?path=")
    c.get("/files/download?path=/proc/version")


@case
def ranges(c):
    c.run("cd %s && printf 0123456789 > f && : > empty && TZ=UTC touch -d '2001-01-31 12:00:00' f empty" % c.case)
    for value in ("bytes=2-4", "bytes=7-", "bytes=-2", "bytes=0-0", "bytes=9-9", "bytes=0-99", "bytes=10-", "bytes=-0", "bytes=-99", "bytes=5-2",
                  "bytes=a-b", "bytes=", "items=0-1", "bytes=0-1,4-5", "bytes = 0-1", "bytes=0 - 1", "bytes=00-01", "bytes=18446744073709551616-",
                  "bytes=0-18446744073709551615", "bytes=-18446744073709551616", "bytes=0-,", "", "Bytes=0-1", "bytes=+1-2", "bytes=1-+2", "bytes=--1",
                  "bytes=-", "bytes=1--2", "bytes=1.0-2", "bytes=9223372036854775807-", "bytes=9223372036854775808-", "bytes=0-9223372036854775807",
                  "bytes=20-30,0-1", "bytes=20-30,40-50", "bytes=0-1,x"):
        c.get("/files/download?path={case}/f", headers={"Range": value}, boundary=True)
    for value in ("bytes=0-", "bytes=-1", "bytes=1-"):
        c.get("/files/download?path={case}/empty", headers={"Range": value})
    c.get("/files/download?path={case}/none", headers={"Range": "bytes=0-1"})
    modified = "Wed, 31 Jan 2001 12:00:00 GMT"
    for headers in ({"If-Modified-Since": modified}, {"If-Unmodified-Since": "Wed, 31 Jan 2001 11:00:00 GMT"},
                    {"If-Range": modified, "Range": "bytes=0-1"}, {"If-Range": "Thu, 01 Feb 2001 12:00:00 GMT", "Range": "bytes=0-1"},
                    {"If-None-Match": "*"}, {"If-Match": '"x"'}):
        c.get("/files/download?path={case}/f", headers=headers)


@case
def bulk_download(c):
    c.run("cd %s && printf 'x\\000y' > bin && : > empty && printf 'text' > page.html && printf '\\r\\n--DAYTONA-FILE-BOUNDARY--\\r\\n' > tricky && "
          "install -m 0 bin closed && mkdir d && ln -s nowhere dangling && printf q > 'a \"b\" \u00e4\u20ac'" % c.case)
    names = ("bin", "none", "d", "empty", "page.html", "tricky", "closed", "dangling", 'a "b" \u00e4\u20ac', "bin/x", "./bin")
    c.bulk_download([c.case + "/" + name for name in names])
    c.bulk_download(["", c.case + "/bin"])
    c.bulk_download([c.case + "/none"])
    c.bulk_download([c.case + "/bin", c.case + "/bin"])
    c.bulk_download([c.home + "/" + c.case + "/bin"])
    c.bulk_download([c.case + "/" + "x" * 300])
    c.bulk_download([c.case + "/line\nbreak", c.case + "/tab\tand\u007fdel"])
    c.bulk_download([c.case + "/bin\u0000", None])


@case
def bad_bulk_download_bodies(c):
    for body in ('{"paths":[]}', '{}', '', 'null', 'not json', '{"paths":"x"}', '{"paths":[1]}', '{"paths":null}', '[]'):
        c.ask("POST", "/files/bulk-download", body=body.encode(), headers={"Content-Type": "application/json"})
