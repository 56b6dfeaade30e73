// @valkey/valkey-glide, whose core is Rust: HELLO 3, CLIENT SETINFO, INFO REPLICATION at the start.
import {
  Batch, Decoder, GlideClient, GlideClientConfiguration, ProtocolVersion, TimeUnit,
} from '@valkey/valkey-glide';
import {
  done, equal, eventually, everyByte, fails, near, port, promised, restartServer,
} from './talk.mjs';

async function commands(db) {
  equal(await db.ping(), 'PONG');
  equal(await db.set('a', '1'), 'OK');
  equal(await db.get('a'), '1');
  equal(await db.get('missing'), null);
  equal(await db.incr('a'), 2);
  equal(await db.incrByFloat('f', 1.5), 1.5);
  equal(await db.set('t', 'v', { expiry: { type: TimeUnit.Seconds, count: 100 } }), 'OK');
  equal(await db.set('t', 'w', { conditionalSet: 'onlyIfDoesNotExist' }), null);
  near(await db.ttl('t'), 100);
  equal(await db.mset({ m1: 'x', m2: 'y' }), 'OK');
  equal(await db.mget(['m1', 'missing', 'm2']), ['x', null, 'y']);
  equal(await db.exists(['m1', 'm2', 'missing']), 2);
  equal(await db.del(['m1', 'm2']), 2);
  equal(await db.append('s', 'hello'), 5);
  equal(await db.getrange('s', 1, -2), 'ell');
  equal(await db.type('s'), 'string');
  equal(await db.expire('s', 50), true);
  equal((await db.info()).includes('redis_version'), true);
  equal(Object.keys(await db.configGet(['maxmemory'])), ['maxmemory']);
  equal(await db.clientGetName(), 'opened');
  await fails(db.incr('s'), 'value is not an integer or out of range');
  await fails(db.customCommand(['NOSUCH', 'a']), 'unknown command');
}

async function binary(db) {
  const bytes = { decoder: Decoder.Bytes };
  equal(await db.set(everyByte, everyByte), 'OK');
  equal(await db.get(everyByte, bytes), everyByte);
  equal(await db.mget([everyByte, 'missing'], bytes), [everyByte, null]);
  equal(await db.strlen(everyByte), 256);
  equal(await db.getdel(everyByte, bytes), everyByte);
}

async function pipelines(db) {
  const batch = new Batch(false);
  for (let i = 0; i < 500; i += 1) batch.set(`p:${i}`, `v${i}`).get(`p:${i}`);
  const results = await db.exec(batch, true);
  equal(results.length, 1000);
  equal(results[999], 'v499');
}

async function transactions(db, other) {
  const batch = () => new Batch(true).set('{x}a', '1').incr('{x}a').get('{x}a');
  equal(await db.exec(batch(), true), ['OK', 2, '2']);
  await db.watch(['{x}a']);
  await other.set('{x}a', '7');
  equal(await db.exec(batch(), true), null);
  equal(await db.get('{x}a'), '7');
}

async function scans(db) {
  const found = new Set();
  let cursor = '0';
  do {
    const [next, keys] = await db.scan(cursor, { match: 'p:*', count: 100 });
    keys.forEach((key) => found.add(key));
    cursor = next;
  } while (cursor !== '0');
  equal(found.size, 500);
}

for (const protocol of [ProtocolVersion.RESP2, ProtocolVersion.RESP3]) {
  const heard = promised();
  const options = {
    addresses: [{ host: '127.0.0.1', port }],
    protocol,
    clientName: 'opened',
    requestTimeout: 10000,
    advancedConfiguration: { connectionTimeout: 10000 },
    connectionBackoff: { numberOfRetries: 100, factor: 20, exponentBase: 1 },
  };
  const db = await GlideClient.createClient(options);
  const other = await GlideClient.createClient(options);
  const subscriber = await GlideClient.createClient({
    ...options,
    protocol: ProtocolVersion.RESP3,
    pubsubSubscriptions: {
      channelsAndPatterns: {
        [GlideClientConfiguration.PubSubChannelModes.Exact]: new Set(['news']),
      },
      callback: (message) => heard.fulfil([message.channel, message.message]),
    },
  });
  equal(await db.flushall(), 'OK');
  for (const part of [commands, binary, pipelines]) await part(db);
  await transactions(db, other);
  await scans(db);
  await eventually(async () => {
    if (await db.publish('hello', 'news') === 0) throw new Error('nobody there yet');
  });
  equal(await heard.promise, ['news', 'hello']);
  equal(await db.set('stays', 'here'), 'OK');
  await restartServer();
  equal(await eventually(() => db.get('stays')), 'here');
  for (const client of [db, other, subscriber]) client.close();
}
done();
