import { IModelError } from '@linnet/common';
import type { IpcSession } from '@linnet/common';
import { GENERAL_ERROR } from '@linnet/common/internal';
import type {
  ActivityDetail,
  ActivityRow,
  Calls,
  Found,
  InspectorInfo,
  InspectorIpc,
  Overview,
  SessionDetail,
  SessionQuery,
  SessionRow,
  TailBatch,
} from './channel/inspector.ipc.js';
import type { InspectorService } from './inspector.service.js';
import { Tail } from './record/tail.js';
import { activityOf, latestActivities, selectedCalls } from './view/activities.view.js';

/** The user of a session of the inspector. */
export interface InspectorUser {
  readonly mayClose: boolean;
}

/** Searches are no longer than this. */
const SEARCH_LENGTH = 256;
/** Tails of one page. */
const MOST_TAILS = 4;

/** Answers the calls of one page. */
export class InspectorHandler implements InspectorIpc {
  #tails = 0;

  constructor(
    private readonly service: InspectorService,
    private readonly own: IpcSession,
  ) {
    service.opened(own);
  }

  async info(): Promise<InspectorInfo> {
    const { name, slowMs, others } = this.service;
    // A page asks for it, and another backend does not: two backends that ask each other would never end.
    this.service.openedPage(this.own);
    return { name, slowMs, others: others.names, mayClose: this.#mayClose };
  }

  watch(): AsyncIterable<Overview> {
    // A page whose session was lost has a new one, and watches again.
    this.service.openedPage(this.own);
    return this.service.watch(this.own.signal);
  }

  async sessions(query: SessionQuery): Promise<{ rows: SessionRow[]; count: number }> {
    return this.service.sessions.rows({ ...query, search: searchOf(query.search) });
  }

  async session(id: string): Promise<SessionDetail | undefined> {
    return this.service.sessions.detail(id, this.service.recorder.running);
  }

  async closeSession(id: string): Promise<boolean> {
    if (!this.#mayClose) throw new IModelError(GENERAL_ERROR, 'You may not close sessions.');
    return this.service.sessions.close(id);
  }

  async calls(search: string): Promise<Calls> {
    return selectedCalls(this.service.recorder, searchOf(search));
  }

  async activity(id: string, alone = false): Promise<ActivityDetail> {
    // An operator who looks at an activity wants its further calls.
    if (typeof id === 'string' && id.length <= SEARCH_LENGTH) this.service.recorder.selection.pin(id);
    const own = activityOf(this.service.recorder, id);
    const { calls, lines, missing } = alone
      ? { calls: [], lines: [], missing: [] }
      : await this.service.others.activity(id);
    return {
      id,
      calls: [...own.calls, ...calls].toSorted((a, b) => a.start - b.start),
      lines: [...own.lines, ...lines].toSorted((a, b) => a.time - b.time),
      missing,
    };
  }

  async activities(): Promise<ActivityRow[]> {
    return latestActivities(this.service.recorder, '');
  }

  async find(given: string): Promise<Found> {
    const text = searchOf(given);
    const { recorder, sessions } = this.service;
    const query = { search: text, order: 'since', descending: true, offset: 0, limit: 20 } as const;
    return {
      sessions: sessions.rows(query).rows,
      activities: latestActivities(recorder, text).slice(0, 20),
      methods: recorder.methods.find(text, 20),
    };
  }

  async *tail(search: string): AsyncGenerator<TailBatch> {
    if (this.#tails >= MOST_TAILS) throw new IModelError(GENERAL_ERROR, 'There are too many tails.');
    const { tails } = this.service.recorder;
    const tail = new Tail(searchOf(search));
    this.#tails++;
    tails.add(tail);
    try {
      yield* tail.batches(this.own.signal);
    } finally {
      this.#tails--;
      tails.delete(tail);
    }
  }

  get #mayClose(): boolean {
    return (this.own.user as InspectorUser).mayClose;
  }
}

function searchOf(text: unknown): string {
  return typeof text === 'string' ? text.slice(0, SEARCH_LENGTH).trim().toLowerCase() : '';
}
