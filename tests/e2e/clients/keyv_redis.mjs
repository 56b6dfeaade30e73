// @keyv/redis: a cache's view of a server, with namespaces, expiries and clear(), which scans.
import KeyvRedis from '@keyv/redis';
import Keyv from 'keyv';
import { done, equal, eventually, port, restartServer, sleep } from './talk.mjs';

const url = `redis://127.0.0.1:${port}`;
const socket = { port, host: '127.0.0.1', reconnectStrategy: () => 30 };
// Braces keep the keys of the namespace on one core: setMany() and deleteMany() are MULTI and EXEC.
const cache = new Keyv(new KeyvRedis({ socket }), { namespace: '{cache}' });
const others = new Keyv(new KeyvRedis(url), { namespace: 'others' });
for (const keyv of [cache, others]) keyv.on('error', () => {});

equal(await cache.set('a', { deep: [1, 'two', null] }), true);
equal(await cache.get('a'), { deep: [1, 'two', null] });
equal(await cache.get('missing'), undefined);
equal(await cache.set('short', 'v', 40), true);
while (await cache.get('short') !== undefined) await sleep(10);
equal(await cache.set('long', 'v', 100000), true);
equal(await cache.has('long'), true);
await cache.setMany([{ key: 'b', value: 1 }, { key: 'c', value: 2 }]);
equal(await cache.getMany(['b', 'missing', 'c']), [1, undefined, 2]);
equal(await cache.hasMany(['b', 'missing', 'c']), [true, false, true]);
equal(await cache.delete('a'), true);
equal(await cache.delete('a'), false);
equal(await cache.deleteMany(['b']), true);
equal(await others.set('stays', 'here'), true);

const found = [];
for await (const [key] of cache.iterator()) found.push(key);
equal(found.sort(), ['c', 'long']);
await cache.clear();
equal(await cache.get('long'), undefined);
equal(await others.get('stays'), 'here');

await restartServer();
equal(await eventually(async () => {
  const value = await cache.get('nothing') ?? await others.get('stays');
  if (value === undefined) throw new Error('not back yet');
  return value;
}), 'here');
equal(await cache.set('again', 1), true);
equal(await cache.get('again'), 1);
await Promise.all([cache.disconnect(), others.disconnect()]);
done();
