import type { Member, Sent } from './member.js';

/** How long a session may be away until it is restored, or its frontend is told that it is lost, in milliseconds. */
const AWAY_MS = 2000;
/** Faults of one kind that are shown. */
const SHOWN = 3;

/**
 * The faults of a run; none if all promises hold.
 *
 * @param killed when a backend was dead whose sessions nothing can restore
 */
export function judge(
  members: readonly Member[],
  killed: { readonly from: number; readonly to: number },
): string[] {
  const missing = members.flatMap((member) => missingOf(member, members));
  const late = members.flatMap(({ id, resumed, lost }) => [
    ...resumed.filter((ms) => ms > AWAY_MS).map((ms) => `${id}: ${Math.round(ms)} ms until it was restored`),
    ...lost
      .filter(({ told }) => told > AWAY_MS)
      .map(({ told }) => `${id}: ${Math.round(told)} ms until it was told`),
  ]);
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
    ...faults(
      'sessions were lost that another backend could have',
      members.flatMap(({ id, lost }) =>
        lost.flatMap(({ at }) => (at < killed.from || at > killed.to ? [String(id)] : [])),
      ),
    ),
    ...faults('calls have not settled', unsettled(members)),
    ...faults(
      'frontends are not in their room',
      members.filter(({ isIn }) => !isIn).map(({ id }) => String(id)),
    ),
  ];
}

/** The figures of a run, beside its faults. */
export function summary(
  members: readonly Member[],
  { heldBack }: { readonly heldBack: number },
): [string, string][] {
  const sent = members.flatMap((member) => member.sent);
  const told = sent.filter(({ outcome }) => outcome === 'sent');
  const resumed = members.flatMap((member) => member.resumed);
  const lost = members.flatMap((member) => member.lost);
  const latencies = members.flatMap((member) => member.latencies);
  return [
    ['messages to rooms', count(sent.length)],
    ['  whose sender was told "sent"', count(told.length)],
    ['  whose sender was told that the outcome is unknown', count(sent.length - told.length)],
    ['  not sent, because 32 of the sender were open', count(heldBack)],
    ['  until the sender was told', times(told.map(({ at, told: end }) => end - at))],
    ['deliveries', count(latencies.length)],
    ['  from the call to the listener', times(latencies)],
    ['sessions that were interrupted and restored', `${count(resumed.length)}, ${times(resumed)}`],
    ['sessions that were lost', `${count(lost.length)}, told after ${times(lost.map((each) => each.told))}`],
    ['  until the next session was open', times(lost.map(({ back }) => back))],
  ];
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

function unsettled(members: readonly Member[]): string[] {
  return members.flatMap(({ id, sent }) =>
    sent.flatMap(({ outcome }, n) => (outcome === 'open' ? [`${id}/${n}`] : [])),
  );
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
