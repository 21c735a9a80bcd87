#!/usr/bin/env node
'use strict';
/* example.js: a lease from Node, from acquire to destroy, and a hundred commands in it at once.
 *
 *     (cd hosts/node && npm install)
 *     DAYTONA_API_KEY=... hosts/node/example.js build/eep-daytona.so */
const eep = require('./eep.js');

async function main() {
  const env = eep.load(process.argv[2]).open({}, { trustEnv: true });
  try {
    const { lease } = await env.acquire({ nameHint: 'node example' });
    try {
      const onOutput = (stream, data) => (stream === eep.STDOUT ? process.stdout : process.stderr).write(data);
      const { exitCode } = await env.execute(lease, 'echo hello; uname -sm >&2; exit 3', { onOutput });
      console.log('exit code', exitCode);
      const runs = Array.from({ length: 100 }, (_, i) => env.execute(lease, ['echo', String(i)]));
      const sum = (await Promise.all(runs)).reduce((all, done) => all + Number(done.stdoutData), 0);
      console.log('0 + 1 + ... + 99 =', sum);
    } finally {
      await env.release(lease, eep.DESTROY);
    }
  } finally {
    await env.close();
  }
}

main().catch((error) => {
  console.error(`eep: ${error.message}`);
  process.exitCode = 1;
});
