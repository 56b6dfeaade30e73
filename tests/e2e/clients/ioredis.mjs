import { Redis } from 'ioredis';
import { run } from './ioredis_like.mjs';

await run(Redis, [{ protocol: 2 }, { protocol: 3 }]);
