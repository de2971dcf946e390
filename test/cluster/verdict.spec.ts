import { describe, expect, it } from '@jest/globals';
import type { Member, Sent } from './member.js';
import { judge as judgeRun } from './verdict.js';

const judge = (members: readonly Member[]) => judgeRun(members, { from: 100, to: 200 });
const sent = (at: number, told: number, outcome: Sent['outcome'] = 'sent'): Sent => ({ at, told, outcome });

/** Two members of one room; the first has sent three messages, and both have received all of them. */
function pair(change: (sender: Member, other: Member) => void = () => undefined): Member[] {
  const members = [0, 1].map((id) => ({
    id,
    room: 'room',
    sent: id === 0 ? [sent(10, 11), sent(20, 21), sent(30, 31)] : [],
    received: new Map([[0, Uint8Array.of(1, 1, 1)]]),
    stays: [{ from: 0, to: Infinity, last: new Map([[0, 2]]) }],
    repeated: [],
    disordered: [],
    resumed: [500],
    lost: [{ at: 150, told: 500, back: 5000 }],
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

  it('finds repeated and disordered messages, sessions that were away too long, and calls that do not settle', () => {
    const faults = judge(
      pair((sender, other) => {
        sender.sent[2] = sent(30, 0, 'open');
        other.repeated.push('0/1');
        other.disordered.push('0/1 behind 2');
        other.resumed.push(2100);
        other.lost.push({ at: 250, told: 2100, back: 2200 });
        Object.assign(other, { isIn: false });
      }),
    );
    expect(faults).toEqual([
      '1 messages arrived again: 0/1',
      '1 messages arrived behind later ones: 0/1 behind 2',
      '2 sessions were away too long: 1: 2100 ms until it was restored, 1: 2100 ms until it was told',
      '1 sessions were lost that another backend could have: 1',
      '1 calls have not settled: 0/2',
      '1 frontends are not in their room: 1',
    ]);
  });
});
