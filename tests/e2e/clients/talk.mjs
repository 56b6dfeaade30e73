// What all clients' scripts share: checks, and the talk with the test that runs them. A script says
// `restart`, and the test kills the server, starts it again on the same port and directory, and
// answers a line.
import assert from 'node:assert/strict';
import readline from 'node:readline';

export const port = Number(process.argv[2]);
export const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));

const answers = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
let checks = 0;

/** Deep equality; buffers and strings are not the same. */
export function equal(actual, expected, what = '') {
  assert.deepStrictEqual(actual, expected, what);
  checks += 1;
}

/** A time to live in seconds, of which some may have passed on a busy machine. */
export function near(left, seconds) {
  assert.ok(left > seconds - 30 && left <= seconds, `${left} is not near ${seconds}`);
  checks += 1;
}

/** The promise must fail with a message that holds these words. */
export async function fails(promise, words) {
  await assert.rejects(promise, (error) => {
    assert.ok(String(error.message).includes(words), `${error.message} lacks ${words}`);
    return true;
  });
  checks += 1;
}

/** Kills the server and starts it again. */
export async function restartServer() {
  console.log('restart');
  const { value } = await answers.next();
  assert.equal(value, 'restarted');
}

/** Asks until an answer comes that is no error: a client may need a moment to reconnect. */
export async function eventually(ask, timeoutMs = 40000) {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await sleep(20);
    }
  }
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A promise and what fulfils it. */
export function promised() {
  let fulfil;
  const promise = new Promise((resolve) => { fulfil = resolve; });
  return { promise, fulfil };
}

/** A script's end: how many checks there were. */
export function done() {
  console.log(`${checks} checks`);
  process.exit(0);
}
