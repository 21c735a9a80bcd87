'use strict';
/* test_lines.js: runs { name: async function } one after another and prints them the way tools/run-tests counts. */

async function runOne(name, test) {
  console.log(`[ RUN      ] ${name}`);
  try {
    await test();
    console.log(`[       OK ] ${name}`);
    return true;
  } catch (error) {
    // Twice, as cmocka does: in its place and in the summary.
    console.log(`${error.stack}\n[  FAILED  ] ${name}\n[  FAILED  ] ${name}`);
    return false;
  }
}

async function runAll(tests) {
  let good = true;
  for (const [name, test] of Object.entries(tests)) good = (await runOne(name, test)) && good;
  return good;
}

module.exports = { runAll };
