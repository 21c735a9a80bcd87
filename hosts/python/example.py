#!/usr/bin/env python3
"""example.py: a lease from Python, from acquire to destroy.

    DAYTONA_API_KEY=... hosts/python/example.py build/eep-daytona.so
"""
import sys

import eep


def show(stream, data):
    (sys.stdout if stream == eep.STDOUT else sys.stderr).buffer.write(data)


def main():
    plugin = eep.load(sys.argv[1] if len(sys.argv) > 1 else None)
    with plugin.open(trust_env=True) as env:
        lease = env.acquire(name_hint="python example").lease
        try:
            env.realize(lease, {"hello.py": b"import platform\nprint('hello from', platform.machine())\n"})
            done = env.execute(lease, "cat hello.py; uname -sm >&2; exit 3", on_output=show)
            print("exit code", done.exit_code)
        finally:
            env.release(lease, eep.DESTROY)


if __name__ == "__main__":
    try:
        main()
    except eep.Error as error:
        sys.exit("eep: %s" % error)
