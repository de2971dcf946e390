import { describe, expect, it } from '@jest/globals';
import type { Member, Sent } from './member.js';
import { judge as judgeRun } from './verdict.js';

const parts = [
  { name: 'calm', from: 0, to: 100, errors: [], mayLose: false },
  { name: 'killed', from: 100, to: 200, errors: ['IpcClosedError'], mayLose: true },
  { name: 'rolling', from: 200, to: 10_000, errors: [], mayLose: false },
];
const judge = (members: readonly Member[], ownMs = (from: number, to: number) => to - from) =>
  judgeRun(members, { parts, ownMs });
const sent = (at: number, told: number, outcome: Sent['outcome'] = 'sent', error = ''): Sent => ({
  at,
  told,
  outcome,
  error,
});

/** Two members of one room; the first has sent three messages, and both have received all of them. */
function pair(change: (sender: Member, other: Member) => void = () => undefined): Member[] {
  const members = [0, 1].map((id) => ({
    id,
    room: 'room',
    sent: id === 0 ? [sent(10, 11), sent(20, 21), sent(30, 31)] : [],
    worked: [{ at: 150, told: 700, error: '' }],
    received: new Map([[0, Uint8Array.of(1, 1, 1)]]),
    stays: [{ from: 0, to: Infinity, last: new Map([[0, 2]]) }],
    repeated: [],
    disordered: [],
    resumed: [{ from: 110, to: 610 }],
    lost: [{ from: 150, to: 650, back: 5150 }],
    isIn: true,
  })) as unknown as [Member, Member];
  change(...members);
  return members;
}

describe('the verdict about a run of the cluster', () => {
  it('finds no fault if everything has arrived once', () => {
    expect(judge(pair())).toEqual([]);
  });

  it('finds a message that was sent and did not arrive', () => {
    const faults = judge(pair((_sender, { received }) => received.set(0, Uint8Array.of(1, 0, 1))));
    expect(faults).toEqual(['1 messages that were sent did not arrive: 0/1 at 1']);
  });

  it('asks for no message with an unknown outcome, before a member came, or behind the last one of a session that was lost', () => {
    const missing = (from: number, to: number, last: number) =>
      judge(
        pair((sender, other) => {
          sender.sent[1] = sent(20, 21, 'unknown');
          other.received.set(0, Uint8Array.of(0, 0, 0));
          other.stays.splice(0, 1, { from, to, last: new Map([[0, last]]) });
        }),
      );
    expect(missing(15, Infinity, -1)).toEqual(['1 messages that were sent did not arrive: 0/2 at 1']);
    expect(missing(40, Infinity, -1)).toEqual([]);
    expect(missing(15, 30, 5)).toEqual([]);
    expect(missing(15, 900, 2)).toEqual([]);
    expect(missing(15, 900, 3)).toHaveLength(1);
  });

  it('finds repeated and disordered messages, calls that do not settle, and frontends without a room', () => {
    const faults = judge(
      pair((sender, other) => {
        sender.sent[2] = sent(30, 0, 'open');
        other.worked.push({ at: 250, told: 0, error: '' });
        other.repeated.push('0/1');
        other.disordered.push('0/1 behind 2');
        Object.assign(other, { isIn: false });
      }),
    );
    expect(faults).toEqual([
      '1 messages arrived again: 0/1',
      '1 messages arrived behind later ones: 0/1 behind 2',
      '2 calls have not settled: 0/2, work of 1',
      '1 frontends are not in their room: 1',
    ]);
  });

  it('finds sessions and calls that were away too long, by the time that the computer had for them', () => {
    const late = pair((sender, other) => {
      sender.worked.push({ at: 150, told: 2700, error: '' });
      other.resumed.push({ from: 300, to: 2400 });
      other.lost.push({ from: 150, to: 2250, back: 2300 });
    });
    expect(judge(late)).toEqual([
      '3 sessions were away too long: 0: 2050 ms until its call settled, 1: 2100 ms until it was restored, 1: 2100 ms until it was told',
    ]);
    expect(judge(late, (from, to) => 0.9 * (to - from))).toEqual([]);
  });

  it('finds sessions that were lost, and calls that rejected, while nothing should', () => {
    const faults = judge(
      pair((sender, other) => {
        sender.sent[0] = sent(10, 120, 'unknown', 'IpcClosedError');
        sender.sent[1] = sent(20, 120, 'unknown', 'Error');
        other.worked.push({ at: 250, told: 300, error: 'IpcClosedError' });
        other.lost.push({ from: 250, to: 300, back: 350 });
      }),
    );
    expect(faults).toEqual([
      '1 sessions were lost that another backend could have: 1',
      '2 calls rejected while frontends should notice a pause only: 0/1: Error (killed), work of 1: IpcClosedError (rolling)',
    ]);
  });
});
