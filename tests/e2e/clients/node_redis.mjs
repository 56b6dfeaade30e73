// node-redis (package `redis`), which greets with HELLO 3 unless told otherwise.
import { createClient, RESP_TYPES } from 'redis';
import {
  done, equal, eventually, everyByte, fails, near, port, promised, restartServer,
} from './talk.mjs';

async function commands(db) {
  equal(await db.ping(), 'PONG');
  equal(await db.set('a', '1'), 'OK');
  equal(await db.get('a'), '1');
  equal(await db.get('missing'), null);
  equal(await db.incr('a'), 2);
  equal(await db.set('t', 'v', { expiration: { type: 'EX', value: 100 } }), 'OK');
  equal(await db.set('t', 'w', { condition: 'NX' }), null);
  near(await db.ttl('t'), 100);
  equal(await db.mSet([['m1', 'x'], ['m2', 'y']]), 'OK');
  equal(await db.mGet(['m1', 'missing', 'm2']), ['x', null, 'y']);
  equal(await db.exists(['m1', 'm2', 'missing']), 2);
  equal(await db.del(['m1', 'm2']), 2);
  equal(await db.append('s', 'hello'), 5);
  equal(await db.getRange('s', 1, -2), 'ell');
  equal(await db.setBit('b', 7, 1), 0);
  equal(await db.bitCount('b'), 1);
  equal(await db.type('s'), 'string');
  equal(await db.expire('s', 50, 'NX'), 1);
  equal((await db.info('server')).includes('redis_version'), true);
  equal(Object.keys(await db.configGet('maxmemory')), ['maxmemory']);
  equal(await db.clientSetName('tester'), 'OK');
  equal(await db.clientGetName(), 'tester');
  equal(typeof (await db.clientId()), 'number');
  equal((await db.clientInfo()).name, 'tester');
  equal((await db.commandInfo(['get']))[0].arity, 2);
  await fails(db.incr('s'), 'ERR value is not an integer or out of range');
  const unknown = "ERR unknown command 'NOSUCH', with args beginning with: 'a' ";
  await fails(db.sendCommand(['NOSUCH', 'a']), unknown);
}

async function binary(db) {
  const buffers = db.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
  equal(await buffers.set(everyByte, everyByte), 'OK');
  equal(await buffers.get(everyByte), everyByte);
  equal(await buffers.mGet([everyByte, 'missing']), [everyByte, null]);
  equal(await db.strLen(everyByte), 256);
  equal(await buffers.getDel(everyByte), everyByte);
}

async function pipelines(db) {
  const asked = [];
  for (let i = 0; i < 500; i += 1) asked.push(db.set(`p:${i}`, `v${i}`), db.get(`p:${i}`));
  equal((await Promise.all(asked))[999], 'v499');
  const batch = await db.multi().set('p:0', 'x').get('p:1').execAsPipeline();
  equal(batch, ['OK', 'v1']);
}

async function transactions(db, other) {
  equal(await db.multi().set('{x}a', '1').incr('{x}a').get('{x}a').exec(), ['OK', 2, '2']);
  await db.watch('{x}a');
  await other.set('{x}a', '7');
  await fails(db.multi().set('{x}a', '9').exec(), 'watched keys has been changed');
  equal(await db.get('{x}a'), '7');
}

async function scans(db) {
  const found = new Set();
  for await (const keys of db.scanIterator({ MATCH: 'p:*', COUNT: 100, TYPE: 'string' })) {
    keys.forEach((key) => found.add(key));
  }
  equal(found.size, 500);
  equal((await db.keys('p:49?')).length, 10);
}

async function messages(db, subscriber) {
  const heard = promised();
  const matched = promised();
  await subscriber.subscribe('news', (message, channel) => heard.fulfil([channel, message]), true);
  await subscriber.pSubscribe('n*s', (message, channel) => matched.fulfil([channel, message]));
  equal(await db.publish('news', 'hello'), 2);
  equal((await heard.promise).map(String), ['news', 'hello']);
  equal(await matched.promise, ['news', 'hello']);
  await subscriber.unsubscribe('news');
  equal({ ...await db.pubSubNumSub(['news']) }, { news: 0 });
}

async function restarts(db, subscriber) {
  equal(await db.set('stays', 'here'), 'OK');
  await restartServer();
  equal(await eventually(() => db.get('stays')), 'here');
  const again = promised();
  await eventually(() => subscriber.subscribe('again', (message) => again.fulfil(message)));
  await eventually(async () => {
    if (await db.publish('again', 'back') === 0) throw new Error('nobody there yet');
  });
  equal(await again.promise, 'back');
}

for (const RESP of [2, 3]) {
  const open = async () => {
    const socket = { port, host: '127.0.0.1', reconnectStrategy: () => 30 };
    const client = createClient({ RESP, socket, name: 'opened' });
    client.on('error', () => {});  // Seen by who waits.
    return client.connect();
  };
  const [db, other, subscriber] = await Promise.all([open(), open(), open()]);
  equal(await db.clientGetName(), 'opened');
  equal(await db.flushAll(), 'OK');
  for (const part of [commands, binary, pipelines]) await part(db);
  await transactions(db, other);
  await scans(db);
  await messages(db, subscriber);
  await restarts(db, subscriber);
  for (const client of [db, other, subscriber]) await client.close();
}
done();
