// connect-redis, a store of sessions for express: SET EX, GET, EXPIRE, SCAN, MGET, DEL.
import { RedisStore } from 'connect-redis';
import { createClient } from 'redis';
import { done, equal, eventually, near, port, restartServer } from './talk.mjs';

const socket = { port, host: '127.0.0.1', reconnectStrategy: () => 30 };
const client = createClient({ socket });
client.on('error', () => {});  // Seen by who waits.
await client.connect();
const store = new RedisStore({ client, prefix: 'sess:', ttl: 100 });
const session = (user) => ({ user, cookie: { originalMaxAge: 50000 } });

await store.set('one', session('ann'));
await store.set('two', session('bob'));
equal(await store.get('one'), session('ann'));
equal(await store.get('missing'), null);
near(await client.ttl('sess:one'), 100);
await client.expire('sess:one', 10);
await store.touch('one', session('ann'));
near(await client.ttl('sess:one'), 100);
equal(await store.length(), 2);
equal((await store.ids()).sort(), ['one', 'two']);
equal((await store.all()).map(({ user }) => user).sort(), ['ann', 'bob']);
await store.destroy('one');
equal(await store.get('one'), null);
equal(await store.length(), 1);

await restartServer();
equal(await eventually(() => store.get('two')), session('bob'));
await store.clear();
equal(await store.length(), 0);
await client.close();
done();
