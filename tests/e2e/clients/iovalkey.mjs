import { Redis } from 'iovalkey';
import { run } from './ioredis_like.mjs';

await run(Redis, [{}]);
