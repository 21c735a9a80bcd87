#!/usr/bin/env python3
"""example_async.py: a hundred commands at once from one thread, with asyncio.

    DAYTONA_API_KEY=... hosts/python/example_async.py build/eep-daytona.so
"""
import asyncio
import sys

import eep
import eep.aio


async def main():
    plugin = eep.load(sys.argv[1] if len(sys.argv) > 1 else None)
    async with eep.aio.open(plugin, trust_env=True) as env:
        lease = (await env.acquire(name_hint="asyncio example")).lease
        try:
            done = await asyncio.gather(*[env.execute(lease, ["echo", str(i)]) for i in range(100)])
            print("0 + 1 + ... + 99 =", sum(int(each.stdout_data) for each in done))
        finally:
            await env.release(lease, eep.DESTROY)


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except eep.Error as error:
        sys.exit("eep: %s" % error)
