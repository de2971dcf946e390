import { WORK_MS } from './member.js';
import type { Call, Member, Sent } from './member.js';

/** How long a session may be away until it is restored, or its frontend is told that it is lost, in milliseconds. */
const AWAY_MS = 2000;
/** Faults of one kind that are shown. */
const SHOWN = 3;

/** A part of the course of a run. */
export interface Part {
  readonly name: string;
  readonly from: number;
  /** Until the next part begins. */
  readonly to: number;
  /** The names of the errors that calls may reject with. Elsewhere frontends notice a pause, and no error. */
  readonly errors: readonly string[];
  /** Whether sessions may be lost: those of a backend that is dead, and of which nothing has a copy. */
  readonly mayLose: boolean;
}

/** The conditions of a run. */
export interface Course {
  readonly parts: readonly Part[];
  /** How much of a span the computer had for the run, in milliseconds. */
  ownMs(from: number, to: number): number;
}

/** The faults of a run; none if all promises hold. */
export function judge(members: readonly Member[], { parts, ownMs }: Course): string[] {
  const missing = members.flatMap((member) => missingOf(member, members));
  const late = members.flatMap(({ id, resumed, lost, worked }) => [
    ...resumed
      .map(({ from, to }) => ownMs(from, to))
      .filter((ms) => ms > AWAY_MS)
      .map((ms) => `${id}: ${Math.round(ms)} ms until it was restored`),
    ...lost
      .map(({ from, to }) => ownMs(from, to))
      .filter((ms) => ms > AWAY_MS)
      .map((ms) => `${id}: ${Math.round(ms)} ms until it was told`),
    ...worked
      .filter(({ told }) => told > 0)
      .map(({ at, told }) => ownMs(at, told) - WORK_MS)
      .filter((ms) => ms > AWAY_MS)
      .map((ms) => `${id}: ${Math.round(ms)} ms until its call settled`),
  ]);
  const during = (from: number, to: number) => parts.filter((part) => from < part.to && to >= part.from);
  const isAllowed = ({ at, told, error }: Call) =>
    error === '' || during(at, told).some(({ errors }) => errors.includes(error));
  const calls = members.flatMap(({ id, sent, worked }) => [
    ...sent.map((call, n) => ({ ...call, name: `${id}/${n}` })),
    ...worked.map((call) => ({ ...call, name: `work of ${id}` })),
  ]);
  const losses = members.flatMap(({ id, lost }) =>
    lost.flatMap(({ from, to }) => (during(from, to).some(({ mayLose }) => mayLose) ? [] : [String(id)])),
  );
  return [
    ...faults('messages that were sent did not arrive', missing),
    ...faults(
      'messages arrived again',
      members.flatMap(({ repeated }) => repeated),
    ),
    ...faults(
      'messages arrived behind later ones',
      members.flatMap(({ disordered }) => disordered),
    ),
    ...faults('sessions were away too long', late),
    ...faults('sessions were lost that another backend could have', losses),
    ...faults(
      'calls rejected while frontends should notice a pause only',
      calls
        .filter((call) => !isAllowed(call))
        .map(({ name, error, told }) => `${name}: ${error} (${during(told, told)[0]?.name ?? 'never'})`),
    ),
    ...faults(
      'calls have not settled',
      calls.filter(({ told }) => told === 0).map(({ name }) => name),
    ),
    ...faults(
      'frontends are not in their room',
      members.filter(({ isIn }) => !isIn).map(({ id }) => String(id)),
    ),
  ];
}

/** The figures of a run, beside its faults. */
export function summary(
  members: readonly Member[],
  { parts }: Course,
  { heldBack }: { readonly heldBack: number },
): [string, string][] {
  const sent = members.flatMap((member) => member.sent);
  const told = sent.filter(({ outcome }) => outcome === 'sent');
  const lost = members.flatMap((member) => member.lost);
  const latencies = members.flatMap((member) => member.latencies);
  const resumed = members.flatMap((member) => member.resumed);
  const rows = parts.map(({ name, from, to }): [string, string] => {
    const away = resumed.filter((each) => each.from >= from && each.from < to).map(length);
    return [`sessions restored, ${name}`, `${count(away.length)}, ${times(away)}`];
  });
  return [
    ['messages to rooms', count(sent.length)],
    ['  whose sender was told "sent"', count(told.length)],
    ['  whose sender was told that the outcome is unknown', count(sent.length - told.length)],
    ['  not sent, because 32 of the sender were open', count(heldBack)],
    ['  until the sender was told', times(told.map(({ at, told: end }) => end - at))],
    ['deliveries', count(latencies.length)],
    ['  from the call to the listener', times(latencies)],
    ['calls in flight when something failed', outcomes(members.flatMap(({ worked }) => worked))],
    ...rows.filter(([, value]) => !value.startsWith('0,')),
    ['sessions lost', `${count(lost.length)}, told after ${times(lost.map(length))}`],
    ['  until the next session was open', times(lost.map(({ from, back }) => back - from))],
  ];
}

function length({ from, to }: { readonly from: number; readonly to: number }): number {
  return to - from;
}

/** How many calls were answered, and how many had which error. */
function outcomes(calls: readonly Call[]): string {
  const by = new Map<string, number>();
  for (const { error } of calls) by.set(error || 'answered', (by.get(error || 'answered') ?? 0) + 1);
  return Array.from(by, ([name, amount]) => `${count(amount)} ${name}`).join(', ') || '–';
}

/** Messages that a member did not receive, although it was in the room. */
function missingOf(member: Member, members: readonly Member[]): string[] {
  return members
    .filter(({ room }) => room === member.room)
    .flatMap(({ id, sent }) => {
      const received = member.received.get(id);
      return sent.flatMap((message, n) =>
        received?.[n] || !isDue(message, id, n, member) ? [] : [`${id}/${n} at ${member.id}`],
      );
    });
}

/**
 * Whether a member has to receive a message: it was in the room before the message was sent, and its session lives. A session that was
 * lost, of which its frontend was told, may have lost the last messages; but none before one that has arrived.
 */
function isDue({ outcome, at, told }: Sent, sender: number, n: number, { stays }: Member): boolean {
  const isIn = stays.filter(({ from, to }) => from <= at && told <= to);
  return outcome === 'sent' && isIn.some(({ to, last }) => to === Infinity || n < (last.get(sender) ?? -1));
}

function faults(what: string, found: readonly string[]): string[] {
  if (found.length === 0) return [];
  return [
    `${count(found.length)} ${what}: ${found.slice(0, SHOWN).join(', ')}${found.length > SHOWN ? ', …' : ''}`,
  ];
}

function times(values: readonly number[]): string {
  if (values.length === 0) return '–';
  const sorted = Float64Array.from(values).toSorted();
  const at = (part: number) =>
    `${sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))]!.toFixed(0)} ms`;
  return `median ${at(0.5)}, 99 % ${at(0.99)}, most ${at(1)}`;
}

function count(value: number): string {
  return value.toLocaleString('en');
}
