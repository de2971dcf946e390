import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { startTime, stopTime } from '../harness/stopped.time.js';
import { rove, startNode } from './network.nodes.js';
import type { NetworkNode, RovingFrontend } from './network.nodes.js';
import { randomOf } from './simulated.backplane.js';
import { StormyBackplane } from './stormy.backplane.js';
import type { StormyNode } from './stormy.backplane.js';

const SEEDS = 500;
const PART = 50;
const ACTIONS = 50;
const FRONTENDS = 3;
const ROOM = 'room';
/** After this time without another event everybody has come back, in milliseconds. */
const QUIET_MS = 25_000;

/** A server with its node at the backplane. */
interface Place extends NetworkNode {
  readonly line: StormyNode;
  /** Whether everything that it confirms is safe: not while it is cut off, and until it knows that it is back. */
  isSafe: boolean;
  isClosing: boolean;
}

/** A message, and what its sender was told. */
interface Sent {
  readonly text: string;
  readonly sender: Place;
  /** Frontends that were in the room, and have lost no session since. */
  readonly receivers: ReadonlySet<Guest>;
  told: boolean;
}

interface Guest {
  readonly roving: RovingFrontend;
  /** How many sessions it has lost. */
  losses: number;
  /** Whether its node was silent for so long that notifications for it were dropped, which the log of the node says. */
  hasMissed: boolean;
  /** How often each of its calls has run. */
  readonly runs: Map<number, number>;
  readonly answered: number[];
  readonly failed: unknown[];
  calls: number;
}

/** Lets everything happen that waits for nothing but a turn. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Lets time pass from one timer to the next, with a turn of the event loop in between. */
async function pass(milliseconds: number): Promise<void> {
  const end = Date.now() + milliseconds;
  // Sleeps: time is stopped. It goes no further than this timer.
  setTimeout(() => undefined, milliseconds);
  while (Date.now() < end) {
    await jest.advanceTimersToNextTimerAsync();
    await turn();
  }
}

class Storm {
  readonly wrong: string[] = [];
  readonly guests: Guest[] = [];
  readonly sent: Sent[] = [];
  places: Place[] = [];
  readonly all: Place[] = [];
  readonly counts = { moved: 0, killed: 0, cut: 0, lost: 0, told: 0 };
  readonly #backplane: StormyBackplane;
  readonly #runs = new Map<string, number>();

  constructor(
    private readonly seed: number,
    private readonly random: (below: number) => number,
  ) {
    this.#backplane = new StormyBackplane(random);
  }

  start(): Place {
    const node = startNode(this.#backplane, { replicate: true, graceMs: 60_000, heartbeatMs: 1_000 });
    const line = [...this.#backplane.nodes.values()].at(-1)!;
    node.server.channels.handle('itwin.run', async (_call, guest: unknown, n: unknown) => {
      const key = `${String(guest)} ${String(n)}`;
      this.#runs.set(key, (this.#runs.get(key) ?? 0) + 1);
      // Sleeps: time is stopped, and passes as the test says.
      if (this.random(3) === 0) await new Promise((resolve) => setTimeout(resolve, this.random(200)));
      return n;
    });
    const place = { ...node, line, isSafe: true, isClosing: false };
    this.places.push(place);
    this.all.push(place);
    return place;
  }

  async connect(): Promise<void> {
    const roving = rove(this.#pick(this.places), undefined, { reconnectMs: [20, 100] });
    const guest: Guest = {
      roving,
      losses: 0,
      hasMissed: false,
      runs: new Map(),
      answered: [],
      failed: [],
      calls: 0,
    };
    this.guests.push(guest);
    roving.frontend.onStateChange((state) => {
      if (state === 'connecting') guest.losses++;
    });
  }

  /** Adds the session of each frontend to the room. */
  async enter(): Promise<void> {
    await Promise.all(
      this.places.flatMap(({ server }) => server.sessions.map((session) => session.join(ROOM))),
    );
  }

  act(): void {
    const kind = this.random(30);
    const there = this.places.filter(({ line, isClosing }) => line.state === 'there' && !isClosing);
    if (kind < 9) this.#call();
    else if (kind < 16) {
      const place = this.#pick(this.places);
      for (let left = 1 + this.random(5); left > 0; left--) this.#send(place);
    } else if (kind < 22) this.#rove(this.#pick(this.guests));
    else if (kind < 24 && there.length > 1) this.#cut(this.#pick(there));
    else if (kind < 27) for (const each of this.places) this.#mend(each);
    else if (kind === 27 && there.length > 1) this.#kill(this.#pick(there));
    else if (kind === 28 && there.length > 1) this.#close(this.#pick(there));
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.random(list.length)]!;
  }

  #call(): void {
    const guest = this.#pick(this.guests);
    const index = this.guests.indexOf(guest);
    const n = guest.calls++;
    guest.roving.frontend.invoke('run', String(index), n).then(
      (answer) => {
        if (answer === n) guest.answered.push(n);
        else guest.failed.push(answer);
      },
      (error: unknown) => guest.failed.push(error),
    );
  }

  #send(place: Place): void {
    const receivers = new Set(this.guests.filter(({ losses }) => losses === 0));
    const message: Sent = { text: `message ${this.sent.length}`, sender: place, receivers, told: false };
    this.sent.push(message);
    place.rooms
      .to(ROOM)
      .send('news', message.text)
      .then(
        () => (message.told = place.isSafe),
        () => undefined,
      );
  }

  #rove(guest: Guest): void {
    guest.roving.to(this.#pick(this.places));
    guest.roving.cut();
  }

  #cut(place: Place): void {
    this.counts.cut++;
    place.isSafe = false;
    place.line.cut();
  }

  #mend(place: Place): void {
    if (place.line.state !== 'away') return;
    const sessions = place.line.isForgotten ? place.server.sessions.map(({ id }) => id) : [];
    for (const guest of this.guests) guest.hasMissed ||= sessions.includes(guest.roving.keys()[0]);
    place.line.mend();
    // Sleeps: time is stopped. Its copies are written again by then.
    setTimeout(() => (place.isSafe = true), 5_000);
  }

  /** The connections of the frontends to a node break, and they go to others. */
  #leave(place: Place): void {
    this.places = this.places.filter((each) => each !== place);
    for (const guest of this.guests) {
      if (guest.roving.node !== place) continue;
      guest.roving.to(this.#pick(this.places));
      guest.roving.cut();
    }
  }

  #kill(place: Place): void {
    if (!place.isSafe) return;
    this.counts.killed++;
    // A dead process tells nobody anything.
    place.isSafe = false;
    place.line.kill();
    this.start();
    this.#leave(place);
  }

  #close(place: Place): void {
    this.counts.moved++;
    place.isClosing = true;
    this.start();
    this.places = this.places.filter((each) => each !== place);
    for (const { roving } of this.guests) if (roving.node === place) roving.to(this.#pick(this.places));
    void place.close();
  }

  /** Ends all faults, and compares what has happened with what was promised. */
  async judge(): Promise<void> {
    for (const place of this.places) this.#mend(place);
    await pass(QUIET_MS);
    const told = this.sent.length;
    this.#send(this.places[0]!);
    await pass(1_000);
    this.#judgeSessions();
    for (const [g, guest] of this.guests.entries()) {
      this.#judgeCalls(g, guest);
      this.#judgeNews(g, guest);
    }
    this.counts.told += this.sent.slice(0, told).filter((each) => each.told).length;
    for (const { roving } of this.guests) roving.frontend.close();
    for (const each of this.all) void each.end();
    await pass(1_000);
  }

  #judgeSessions(): void {
    const alive = this.all.filter(({ line }) => line.state === 'there');
    const owners = alive.flatMap(({ server }) => server.sessions.map(({ id }) => id));
    if (new Set(owners).size !== owners.length) this.#fail(`two nodes have one session`);
    for (const [g, { roving, losses }] of this.guests.entries()) {
      this.counts.lost += losses;
      const { state } = roving.frontend;
      if (state !== 'open') this.#fail(`frontend ${g} is ${state} (${roving.states.slice(-6).join(', ')})`);
      else if (!owners.includes(roving.keys()[0])) this.#fail(`nobody has the session of frontend ${g}`);
      const untyped = roving.states.filter(
        (each) => each.startsWith('connecting') && each !== 'connecting 4001',
      );
      if (untyped.length > 0) this.#fail(`frontend ${g} has lost its session by ${untyped.join(', ')}`);
    }
  }

  #judgeCalls(g: number, { answered, failed, calls }: Guest): void {
    for (let n = 0; n < calls; n++) {
      const runs = this.#runs.get(`${g} ${n}`) ?? 0;
      if (runs > 1) this.#fail(`call ${n} of frontend ${g} has run ${runs} times`);
      if (runs !== 1 && answered.includes(n)) this.#fail(`call ${n} of frontend ${g} has an answer`);
    }
    if (answered.length + failed.length !== calls)
      this.#fail(`${calls - answered.length - failed.length} calls of frontend ${g} are open`);
  }

  #judgeNews(g: number, guest: Guest): void {
    const news = guest.roving.news as string[];
    const repeated = news.filter((each, i) => news.indexOf(each) !== i);
    if (repeated.length > 0) this.#fail(`frontend ${g} got twice: ${repeated.join(', ')}`);
    for (const place of this.all) {
      const sent = this.sent.filter(({ sender }) => sender === place).map(({ text }) => text);
      const numbers = news.map((each) => sent.indexOf(each)).filter((number) => number >= 0);
      const isRising = numbers.every((number, i) => i === 0 || number > numbers[i - 1]!);
      if (!isRising) this.#fail(`frontend ${g} got of one node: ${numbers.map((n) => sent[n]).join(', ')}`);
    }
    if (guest.losses > 0 || guest.hasMissed) return;
    const missing = this.sent.filter(
      ({ told, receivers, text }) => told && receivers.has(guest) && !news.includes(text),
    );
    if (missing.length > 0) this.#fail(`frontend ${g} lacks ${missing.map(({ text }) => text).join(', ')}`);
  }

  #fail(what: string): void {
    this.wrong.push(`seed ${this.seed}: ${what}`);
  }
}

/** Runs one seed. */
async function simulate(seed: number): Promise<Storm> {
  const random = randomOf(seed);
  jest.spyOn(Math, 'random').mockImplementation(() => random(2 ** 30) / 2 ** 30);
  const storm = new Storm(seed, random);
  for (let i = 0; i < 3; i++) storm.start();
  for (let i = 0; i < FRONTENDS; i++) await storm.connect();
  await pass(200);
  const entered = storm.enter();
  await pass(500);
  await entered;
  for (let i = 0; i < ACTIONS; i++) {
    storm.act();
    // Some events happen while others still have their effects.
    await pass(random(random(2) === 0 ? 20 : 400));
  }
  await storm.judge();
  return storm;
}

describe('sessions on three nodes in a storm', () => {
  const sum = { moved: 0, killed: 0, cut: 0, lost: 0, told: 0 };
  afterEach(() => {
    jest.restoreAllMocks();
    startTime();
  });

  it.each(Array.from({ length: SEEDS / PART }, (_, part) => [part * PART + 1, (part + 1) * PART]))(
    'have one owner, run each call once, get messages once and in order, and come back or are told lost, in the random courses of events %i to %i',
    async (first, last) => {
      stopTime();
      for (let seed = first; seed <= last; seed++) {
        const { wrong, counts } = await simulate(seed);
        expect(wrong).toEqual([]);
        for (const key of ['moved', 'killed', 'cut', 'lost', 'told'] as const) sum[key] += counts[key];
      }
    },
    120_000,
  );

  it('met each kind of fault often', () => {
    expect(Math.min(sum.told / 5, sum.moved, sum.killed, sum.cut)).toBeGreaterThan(SEEDS / 2);
  });
});
