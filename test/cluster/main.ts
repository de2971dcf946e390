// Frontends in rooms behind nginx, while nodes are killed, restarted and Redis restarts. Fails if a message that its sender was told
// "sent" is lost, repeated or out of order, if a session is neither back nor told, if a call does not settle, or memory stays.
//
//   npm run cluster -- [--frontends 1000] [--rooms 100] [--rate 250] [--seconds 15] [--sessions replicated,plain]
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { hasNginx } from '../harness/nginx.server.js';
import { hasRedis } from '../harness/redis.server.js';
import { runCluster } from './run.js';

const { values: options } = parseArgs({
  options: {
    /** Frontends in all. */
    frontends: { type: 'string', default: '1000' },
    rooms: { type: 'string', default: '100' },
    /** Messages that are sent to rooms in a second, by all frontends. */
    rate: { type: 'string', default: '250' },
    /** How long each part lasts. */
    seconds: { type: 'string', default: '15' },
    /** `replicated`: sessions outlive their node. `plain`: they die with it. There is a run for each. */
    sessions: { type: 'string', default: 'replicated,plain' },
  },
});

// The harness has printed which one is missing.
if (!hasRedis || !hasNginx) process.exit();

const start = performance.now();
const log = (text: string) =>
  console.log(`${((performance.now() - start) / 1000).toFixed(1).padStart(6)} s  ${text}`);

const failed: string[] = [];
for (const sessions of options.sessions.split(',')) {
  log(`sessions are ${sessions}; the load average is ${loadavg()[0]!.toFixed(1)}`);
  const { faults, figures } = await runCluster(
    {
      frontends: Number(options.frontends),
      rooms: Number(options.rooms),
      rate: Number(options.rate),
      seconds: Number(options.seconds),
      isReplicated: sessions === 'replicated',
    },
    log,
  );
  for (const [name, value] of figures) console.log(`${name.padEnd(52)} ${value}`);
  for (const fault of faults) console.error(`FAILED  ${fault}`);
  if (faults.length === 0)
    console.log(
      'ok      every message that was sent has arrived once and in order, and every call has settled',
    );
  failed.push(...faults);
}
process.exit(failed.length === 0 ? 0 : 1);
