import type { IpcServer } from '@linnet/common';
import type { SessionRecord } from '@linnet/common/internal';
import type { SessionDetail, SessionOrder, SessionQuery, SessionRow } from '../channel/inspector.ipc.js';
import type { RunningCalls } from '../record/running.calls.js';
import { shortText } from '../record/short.text.js';
import { firstOf } from './first.of.js';
import { userText } from './user.name.js';

const MOST_ROWS = 200;
const MOST_CALLS = 100;
const MOST_NAMES = 100;
const NAME_LENGTH = 200;
const orders: readonly SessionOrder[] = ['since', 'user', 'running', 'waiting', 'streams', 'unsentBytes'];

/** The sessions of an application, as the inspector shows them. */
export class SessionsView {
  /** The texts of users, which cost too much to make anew for each search. */
  readonly #users = new WeakMap<object, string>();

  constructor(
    private readonly serverOf: () => IpcServer | undefined,
    private readonly nameOf: ((user: unknown) => string) | undefined,
  ) {}

  /** The sessions of the application, which begin later than the inspector. */
  get server(): IpcServer | undefined {
    return this.serverOf();
  }

  /** How many sessions are open, and how many of them wait for their frontend. */
  get counts(): { sessions: number; away: number } {
    const records = this.server?.records ?? [];
    return { sessions: records.length, away: records.filter(({ state }) => state.kind === 'away').length };
  }

  /** Whether a session is open. */
  has(id: string): boolean {
    return this.server?.recordOf(id) !== undefined;
  }

  /** The sessions that a query selects, and how many there are. Numbers may be of any kind. @param query.search in lower case */
  rows({ search, order, descending, offset, limit }: SessionQuery): { rows: SessionRow[]; count: number } {
    const all = this.server?.records ?? [];
    const found = search === '' ? all : all.filter((record) => this.#matches(record, search));
    const by = orders.includes(order) ? order : 'since';
    // They are in the order of their beginning.
    const sorted = by === 'since' ? found : this.#sorted(found, by);
    const from = Math.max(0, Math.trunc(offset) || 0);
    const most = Math.min(MOST_ROWS, Math.max(0, Math.trunc(limit) || 0));
    const page = descending
      ? sorted.slice(Math.max(0, sorted.length - from - most), Math.max(0, sorted.length - from)).toReversed()
      : sorted.slice(from, from + most);
    return { rows: page.map((record) => this.#row(record)), count: found.length };
  }

  detail(id: string, running: RunningCalls): SessionDetail | undefined {
    const record = this.server?.recordOf(id);
    if (!record) return undefined;
    const { session, kind } = record;
    const calls = firstOf(running, MOST_CALLS, ({ sessionId }) => sessionId === id);
    return {
      ...this.#row(record),
      isDurable: kind === 'durable',
      rooms: names(session.rooms),
      listened: names(session.listened),
      calls: calls.map(({ row }) => row),
    };
  }

  /** Ends a session. @returns whether there was one */
  close(id: string): boolean {
    const session = this.server?.find(id);
    session?.close(4001, 'Closed by an operator.');
    return session !== undefined;
  }

  #row({ session, link, dispatcher, state, since, transportName }: SessionRecord): SessionRow {
    const { id, frontend = '', ip = '' } = session;
    return {
      id,
      user: this.#userOf(session),
      frontend: shortText(frontend, NAME_LENGTH),
      ip,
      transport: transportName,
      state: state.kind,
      since,
      unsentBytes: link.unsentBytes,
      ...dispatcher.load,
    };
  }

  #userOf(session: SessionRecord['session']): string {
    let text = this.#users.get(session);
    if (text === undefined) this.#users.set(session, (text = userText(session.user, this.nameOf)));
    return text;
  }

  #matches({ session }: SessionRecord, text: string): boolean {
    const { id, frontend = '', ip = '' } = session;
    return [id, this.#userOf(session), frontend, ip].some((each) => each.toLowerCase().includes(text));
  }

  #sorted(records: readonly SessionRecord[], by: Exclude<SessionOrder, 'since'>): SessionRecord[] {
    if (by === 'user')
      return records.toSorted((a, b) => (this.#userOf(a.session) < this.#userOf(b.session) ? -1 : 1));
    const valueOf = ({ link, dispatcher }: SessionRecord) =>
      by === 'unsentBytes' ? link.unsentBytes : dispatcher.load[by];
    return records
      .map((record) => ({ record, value: valueOf(record) }))
      .toSorted((a, b) => a.value - b.value)
      .map(({ record }) => record);
  }
}

function names(all: readonly string[]): string[] {
  return all.slice(0, MOST_NAMES).map((name) => shortText(name, NAME_LENGTH));
}
