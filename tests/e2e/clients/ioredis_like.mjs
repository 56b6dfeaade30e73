// ioredis and iovalkey, which share their interface.
import {
  done, equal, eventually, everyByte, fails, near, port, promised, restartServer,
} from './talk.mjs';

async function commands(db) {
  equal(await db.ping(), 'PONG');
  equal(await db.set('a', '1'), 'OK');
  equal(await db.get('a'), '1');
  equal(await db.get('missing'), null);
  equal(await db.incr('a'), 2);
  equal(await db.incrbyfloat('f', 1.5), '1.5');
  equal(await db.set('t', 'v', 'EX', 100), 'OK');
  equal(await db.set('t', 'w', 'NX'), null);
  near(await db.ttl('t'), 100);
  equal(await db.mset({ m1: 'x', m2: 'y' }), 'OK');
  equal(await db.mget('m1', 'missing', 'm2'), ['x', null, 'y']);
  equal(await db.exists('m1', 'm2', 'missing'), 2);
  equal(await db.del('m1', 'm2'), 2);
  equal(await db.append('s', 'hello'), 5);
  equal(await db.getrange('s', 1, -2), 'ell');
  equal(await db.setbit('b', 7, 1), 0);
  equal(await db.type('s'), 'string');
  equal(await db.expire('s', 50), 1);
  equal((await db.info('server')).includes('redis_version'), true);
  equal((await db.config('GET', 'maxmemory'))[0], 'maxmemory');
  equal(await db.client('SETNAME', 'tester'), 'OK');
  equal(await db.client('GETNAME'), 'tester');
  await fails(db.incr('s'), 'ERR value is not an integer or out of range');
  const unknown = "ERR unknown command 'NOSUCH', with args beginning with: 'a' ";
  await fails(db.call('NOSUCH', 'a'), unknown);
}

async function binary(db) {
  equal(await db.set(everyByte, everyByte), 'OK');
  equal(await db.getBuffer(everyByte), everyByte);
  equal(await db.mgetBuffer(everyByte, 'missing'), [everyByte, null]);
  equal(await db.strlen(everyByte), 256);
  equal(await db.getdelBuffer(everyByte), everyByte);
}

async function pipelines(db) {
  const pipeline = db.pipeline();
  for (let i = 0; i < 500; i += 1) pipeline.set(`p:${i}`, `v${i}`).get(`p:${i}`);
  pipeline.incr('p:7');
  const results = await pipeline.exec();
  equal(results.length, 1001);
  equal(results[999], [null, 'v499']);
  equal(results[1000][0].message, 'ERR value is not an integer or out of range');
  // Many at once without a pipeline share one, too.
  const values = await Promise.all(Array.from({ length: 500 }, (_, i) => db.get(`p:${i}`)));
  equal(values[123], 'v123');
}

async function transactions(db, other) {
  equal(await db.multi().set('{x}a', '1').incr('{x}a').get('{x}a').exec(),
    [[null, 'OK'], [null, 2], [null, '2']]);
  await db.watch('{x}a');
  await other.set('{x}a', '7');
  equal(await db.multi().set('{x}a', '9').exec(), null);
  equal(await db.get('{x}a'), '7');
  const failed = await db.multi().set('{x}s', 'x').incr('{x}s').exec();
  equal(failed[1][0].message, 'ERR value is not an integer or out of range');
}

async function scans(db) {
  const found = new Set();
  for await (const keys of db.scanStream({ match: 'p:*', count: 100 })) {
    keys.forEach((key) => found.add(key));
  }
  equal(found.size, 500);
  equal((await db.keys('p:49?')).length, 10);
}

async function messages(db, subscriber) {
  const heard = promised();
  const matched = promised();
  subscriber.on('messageBuffer', (channel, message) => heard.fulfil([channel.toString(), message]));
  subscriber.on('pmessage', (...words) => matched.fulfil(words));
  equal(await subscriber.subscribe('news'), 1);
  equal(await subscriber.psubscribe('n*s'), 2);
  equal(await db.publish('news', everyByte), 2);
  equal(await heard.promise, ['news', everyByte]);
  equal((await matched.promise).slice(0, 2), ['n*s', 'news']);
  equal(await subscriber.unsubscribe('news'), 1);
}

async function restarts(db, subscriber) {
  equal(await db.set('stays', 'here'), 'OK');
  await restartServer();
  equal(await eventually(() => db.get('stays')), 'here');
  // The subscriber comes back and subscribes again by itself.
  const again = promised();
  subscriber.on('pmessage', (_pattern, channel, message) => {
    if (message === 'again') again.fulfil(channel);
  });
  await eventually(async () => {
    if (await db.publish('nets', 'again') === 0) throw new Error('nobody there yet');
  });
  equal(await again.promise, 'nets');
}

/** All of it with one library, over each protocol that it speaks. */
export async function run(Client, protocols) {
  for (const options of protocols) {
    const open = () => new Client({ port, host: '127.0.0.1', retryStrategy: () => 30, ...options });
    const [db, other, subscriber] = [open(), open(), open()];
    // Errors are seen by who waits for a reply.
    for (const client of [db, other, subscriber]) client.on('error', () => {});
    equal(await db.flushall(), 'OK');
    for (const part of [commands, binary, pipelines]) await part(db);
    await transactions(db, other);
    await scans(db);
    await messages(db, subscriber);
    await restarts(db, subscriber);
    for (const client of [db, other, subscriber]) equal(await client.quit(), 'OK');
  }
  done();
}
