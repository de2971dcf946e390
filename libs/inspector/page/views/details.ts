import type {
  ActivityDetail,
  CallRow,
  Found,
  LineRow,
  SessionDetail,
} from '../../src/channel/inspector.ipc.js';
import { link, make } from '../dom.js';
import { age, bytes, clock, count, duration, present } from '../format.js';
import { Table } from '../table.js';
import type { PageContext } from '../view.js';
import { activityColumns } from './activities.view.js';
import { callColumns, stateOf } from './calls.view.js';
import { sessionColumns } from './sessions.view.js';

/** Everything that is known of a session, and a button that closes it. */
export function sessionDetail(page: PageContext, session: SessionDetail): HTMLElement[] {
  const { id, user, frontend, ip, transport, state, since, isDurable, rooms, listened } = session;
  const facts: [string, string][] = [
    ['User', user || 'none'],
    ['Frontend', frontend || 'not named'],
    ['Address', ip || 'none'],
    ['Transport', `${transport}, ${isDurable ? 'durable' : 'ends with its connection'}`],
    ['State', state],
    ['Began', `${clock(since)}, ${age(since)} ago`],
    ['Calls', `${count(session.running)} running, ${count(session.waiting)} waiting`],
    ['Streams', count(session.streams)],
    ['Buffers', `${bytes(session.unsentBytes)} unsent, ${bytes(session.answerBytes)} of answers wait`],
    ['Rooms', rooms.join(', ') || 'none'],
    ['Listeners', listened.join(', ') || 'none of this session alone'],
  ];
  const list = make('dl', { className: 'facts' });
  for (const [name, value] of facts) list.append(make('dt', {}, name), make('dd', {}, value));
  const calls = new Table<CallRow>('Calls in flight', callColumns(page), 'No call is running.', stateOf);
  calls.show(session.calls);
  if (!page.info.mayClose) return [list, calls.element];
  const close = make('button', { type: 'button', className: 'danger' }, 'Close this session');
  // Screen readers read an `output` when it changes.
  const outcome = make('output');
  // The second press closes it: one press may be a mistake.
  close.addEventListener('click', () => {
    if (close.dataset['armed'] !== 'yes') {
      close.dataset['armed'] = 'yes';
      close.textContent = 'Press again to close this session';
      return;
    }
    close.disabled = true;
    outcome.textContent = 'Closing …';
    page.inspector.closeSession(id).then(
      (wasOpen) =>
        (outcome.textContent = wasOpen ? 'The session is closed.' : 'The session was over already.'),
      (error: unknown) => {
        outcome.textContent = `The session is not closed. ${error instanceof Error ? error.message : ''}`;
        close.disabled = false;
      },
    );
  });
  return [list, make('div', { className: 'bar' }, close, outcome), calls.element];
}

/** The calls of an activity in all tiers as bars on one time line, and its log lines. */
export function activityDetail({ calls, lines, missing }: ActivityDetail, own: string): HTMLElement[] {
  const now = present();
  const endOf = ({ start, duration: ms }: CallRow) => (ms === undefined ? now : start + ms);
  const first = Math.min(...calls.map(({ start }) => start));
  const last = Math.max(...calls.map(endOf));
  const share = (time: number) => `${((time - first) / (last - first || 1)) * 100}%`;
  const bars = make('ol', { className: 'bars' });
  for (const call of calls) {
    const { tier, name, side, start, duration: ms, outcome, items } = call;
    const bar = make('span');
    bar.style.setProperty('--from', share(start));
    bar.style.setProperty('--to', share(endOf(call)));
    const streamed = items > 0 ? `, ${count(items)} items` : '';
    const took = ms === undefined ? 'runs' : duration(ms);
    const item = make(
      'li',
      {},
      make('span', {}, make('b', {}, tier || own), ` ${side === 'client' ? 'calls ' : ''}${name}`),
      make('span', { className: 'quiet' }, `${took}${streamed}${outcome && `, ${outcome}`}`),
      make('span', { className: 'track' }, bar),
    );
    item.dataset['state'] = stateOf(call);
    item.dataset['side'] = side;
    bars.append(item);
  }
  const result: HTMLElement[] = [
    calls.length > 0 ? bars : make('p', { className: 'empty' }, 'No call is known.'),
  ];
  if (missing.length > 0)
    result.push(make('p', { className: 'quiet' }, `No answer from ${missing.join(', ')}.`));
  result.push(logLines(lines, own));
  return result;
}

function logLines(lines: readonly LineRow[], own: string): HTMLElement {
  if (lines.length === 0) return make('p', { className: 'empty' }, 'No log line is known.');
  const list = make('ol', { className: 'tail' });
  for (const { tier, time, level, context, text } of lines) {
    const origin = context ? `${tier || own} ${context}` : tier || own;
    const item = make('li', {}, make('time', {}, clock(time)), make('b', {}, origin), make('span', {}, text));
    item.dataset['state'] = level;
    list.append(item);
  }
  return list;
}

/** The results of a search. */
export function foundDetail(page: PageContext, { sessions, activities, methods }: Found): HTMLElement[] {
  const activityTable = new Table('Activities', activityColumns(page), 'None was found.');
  activityTable.show(activities);
  const sessionTable = new Table('Sessions', sessionColumns(page), 'None was found.');
  sessionTable.show(sessions);
  const names = make('p', {}, ...methods.flatMap((name) => [link(name, () => page.search(name)), ' ']));
  const heading = make('h3', {}, 'Interfaces and channels');
  const found = methods.length > 0 ? names : make('p', { className: 'empty' }, 'None was found.');
  return [activityTable.element, sessionTable.element, heading, found];
}
