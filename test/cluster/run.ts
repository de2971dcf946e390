import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { startRedis } from '../harness/redis.server.js';
import type { RedisServer } from '../harness/redis.server.js';
import type { NginxServer } from '../harness/nginx.server.js';
import { until } from '../harness/waiting.js';
import { Member } from './member.js';
import { application, ClusterNode, redisOptions, startGateway } from './processes.js';
import type { NodeMemory } from './processes.js';
import { ProcessorTime } from './processor.time.js';
import { judge, summary } from './verdict.js';
import type { Part } from './verdict.js';

/** The load of a run. */
export interface Load {
  readonly frontends: number;
  readonly rooms: number;
  /** Messages to rooms in a second. */
  readonly rate: number;
  /** How long each part lasts. */
  readonly seconds: number;
  /** Whether sessions outlive their node. */
  readonly isReplicated: boolean;
}

/** How often messages are sent, in milliseconds. */
const TICK_MS = 10;
/** Ticks from one look at the processors to the next. */
const LOOK_TICKS = 20;
/** All has arrived after this time without a message, in milliseconds. */
const QUIET_MS = 3000;
/** How long a dead backend is missing, in milliseconds. */
const GONE_MS = 3000;
/** Calls begin this long before something fails, in milliseconds: they are in flight then. */
const BEFORE_MS = 200;
/** Frontends that connect at once. */
const AT_ONCE = 20;
/** Heap and buffers of a node may differ by this much after the run, in bytes: code that was compiled meanwhile, and caches. */
const MEMORY_TOLERANCE = 4 * 2 ** 20;
/** Redis keeps what belongs to a dead backend until its lease is over, and copies of sessions until their frontends have closed. */
const KEYS_MS = 60_000;

/** Runs the cluster once. @returns its faults, and its figures with their names */
export async function runCluster(load: Load, log: (text: string) => void) {
  const redis = await startRedis(...redisOptions());
  const env = { REDIS_URL: redis.url, REPLICATE: load.isReplicated ? 'yes' : '' };
  const nodes = await Promise.all([1, 2, 3].map(() => ClusterNode.start(application.compiled, env)));
  const gateway = await startGateway(nodes);
  try {
    return await new ClusterRun(load, log, redis, nodes, gateway).run();
  } finally {
    await gateway.stop();
    await Promise.all(nodes.map((node) => node.end('SIGTERM')));
    await redis.stop();
  }
}

class ClusterRun {
  readonly #parts: (Part & { to: number })[] = [];
  readonly #processors = new ProcessorTime();
  readonly #end = new AbortController();
  readonly #url: string;
  #members: Member[] = [];
  #heldBack = 0;

  constructor(
    private readonly load: Load,
    private readonly log: (text: string) => void,
    private readonly redis: RedisServer,
    private readonly nodes: readonly ClusterNode[],
    private readonly gateway: NginxServer,
  ) {
    this.#url = `ws://127.0.0.1:${gateway.port}/ipc`;
  }

  async run() {
    const { frontends, rooms, rate } = this.load;
    this.log(`3 backends, nginx without stickiness, ${frontends} frontends in ${rooms} rooms`);
    await this.#warmUp();
    const before = await this.#memories();
    const keys = await this.#keys();

    await this.#open();
    const deliveries = Math.round((rate * frontends) / rooms);
    this.log(`all frontends are in their rooms, ${rate} messages/s to rooms: ${deliveries} deliveries/s`);
    const sending = this.#send(this.#end.signal);
    await this.#fail();
    this.#end.abort();
    await sending;
    await until(() => this.#members.every(({ isSettled }) => isSettled), 60_000).catch(() => undefined);
    await this.#quiet();
    this.log('all is sent');
    const course = {
      parts: this.#parts,
      ownMs: (from: number, to: number) => this.#processors.ownMs(from, to),
    };
    const faults = judge(this.#members, course);
    const figures = summary(this.#members, course, { heldBack: this.#heldBack });

    const missed = (await this.#memories()).map((each) => each.missed);
    await this.#close();
    const after = await this.#memories();
    faults.push(...this.#grown(before, after));
    await until(async () => (await this.#keys()) <= keys, KEYS_MS).catch(async () =>
      faults.push(`Redis has ${await this.#keys()} keys, and had ${keys} before.`),
    );
    const all = (memories: readonly NodeMemory[]) =>
      memories.map((memory) => mebibytes(used(memory))).join(', ');
    figures.push(
      ['memory in use of the backends', `${all(before)} MiB before, ${all(after)} MiB after`],
      // One of each is for Redis, which is another process. More are for a backend that was silent for longer than its lease.
      ['warnings that notifications may be lost', missed.join(', ')],
      ['processors that other programs had', `${(100 * this.#processors.foreignShare).toFixed(0)} %`],
    );
    return { faults, figures };
  }

  /** A backend keeps code and caches after its first sessions, messages and resumptions, which no session owns. */
  async #warmUp(): Promise<void> {
    await this.#open();
    const end = new AbortController();
    const sending = this.#send(end.signal);
    await pass(GONE_MS);
    await this.gateway.restart();
    await pass(GONE_MS);
    end.abort();
    await sending;
    await until(() =>
      this.#members.every(({ isSettled, frontend }) => isSettled && frontend.state === 'open'),
    );
    await this.#close();
    this.#heldBack = 0;
  }

  /** Everything that fails, one after the other. */
  async #fail(): Promise<void> {
    const { isReplicated, seconds } = this.load;
    const [killed, rolling] = this.nodes as [ClusterNode, ClusterNode];
    const part = () => pass(1000 * seconds);
    await part();
    // A session without a copy ends with its backend. A call that had begun may have run.
    const dead = isReplicated
      ? { errors: ['OutcomeUnknownError'], mayLose: false }
      : { errors: ['IpcClosedError'], mayLose: true };
    await this.#begin({ name: 'a backend killed', ...dead });
    await killed.end('SIGKILL');
    this.log('one backend was killed');
    await pass(GONE_MS);
    await killed.start();
    this.log('another process is in its place');
    await part();

    await this.#begin({ name: 'a backend ended by SIGTERM', errors: [], mayLose: false });
    await rolling.end('SIGTERM');
    this.log('one backend has ended by SIGTERM');
    await rolling.start();
    this.log('another process is in its place');
    await part();

    // Senders are told that Redis did not confirm.
    await this.#begin({ name: 'Redis killed', errors: ['BackplaneError'], mayLose: false });
    await this.redis.kill();
    await this.redis.restart();
    this.log('Redis was killed and restarted');
    await part();

    await this.#begin({ name: 'nginx killed', errors: [], mayLose: false });
    await this.gateway.restart();
    this.log('nginx was killed and restarted: every connection has broken');
    await part();
    this.#parts.at(-1)!.to = performance.now();
  }

  /** Begins a part: every frontend has a call in flight. */
  async #begin(part: Omit<Part, 'from' | 'to'>): Promise<void> {
    const now = performance.now();
    const last = this.#parts.at(-1);
    if (last) last.to = now;
    this.#parts.push({ ...part, from: now, to: Infinity });
    for (const member of this.#members) member.work();
    await pass(BEFORE_MS);
  }

  /** Opens all frontends, and has them enter their rooms. */
  async #open(): Promise<void> {
    const all: Member[] = [];
    for (let id = 0; id < this.load.frontends; id++)
      all.push(new Member(this.#url, id, `room ${id % this.load.rooms}`, all));
    const rest = all.values();
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        for (const member of rest) await member.enter();
      }),
    );
    this.#members = all;
  }

  async #close(): Promise<void> {
    for (const { frontend } of this.#members) frontend.close();
    await until(async () => (await this.#memories()).every(({ sessions }) => sessions === 0));
  }

  /** Waits until nothing arrives any more. */
  async #quiet(): Promise<void> {
    const arrived = () => this.#members.reduce((sum, { latencies }) => sum + latencies.length, 0);
    for (let before = -1; before !== arrived();) {
      before = arrived();
      await pass(QUIET_MS);
    }
  }

  /** Sends at a steady rate, by one member after the other. */
  async #send(end: AbortSignal): Promise<void> {
    const begin = performance.now();
    const members = this.#members;
    let sent = 0;
    let next = 0;
    for (let tick = 0; !end.aborted; tick++) {
      if (tick % LOOK_TICKS === 0) this.#processors.sample();
      const due = Math.floor(((performance.now() - begin) / 1000) * this.load.rate);
      for (; sent < due; sent++) if (!members[next++ % members.length]!.say()) this.#heldBack++;
      await pass(TICK_MS);
    }
  }

  #memories(): Promise<NodeMemory[]> {
    return Promise.all(this.nodes.map((node) => node.memory()));
  }

  async #keys(): Promise<number> {
    const client = new Redis(this.redis.url);
    try {
      return await client.dbsize();
    } finally {
      client.disconnect();
    }
  }

  #grown(before: readonly NodeMemory[], after: readonly NodeMemory[]): string[] {
    const most = Math.max(...before.map(used)) + MEMORY_TOLERANCE;
    return after.flatMap((memory, i) =>
      used(memory) > most
        ? [`Backend ${i + 1} has ${mebibytes(used(memory))} MiB in use, and may have ${mebibytes(most)} MiB.`]
        : [],
    );
  }
}

/** Lets the load go on. */
function pass(milliseconds: number): Promise<void> {
  // Sleeps: time has to pass for the load, and nothing reports that the last message has arrived everywhere.
  return sleep(milliseconds);
}

function used({ heapUsed, external }: NodeMemory): number {
  return heapUsed + external;
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}
