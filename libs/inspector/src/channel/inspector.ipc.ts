import { ipcChannel } from '@linnet/common';

/** One row of the table of interfaces and channels. Durations are of the last minute, in milliseconds. */
export interface MethodRow {
  /** `Interface/operation`, `channel/method`, or the name of a channel. */
  readonly name: string;
  /** Whether the backend answers the calls, or makes them. */
  readonly side: 'client' | 'server';
  readonly kind: 'rpc' | 'ipc' | 'notification';
  /** Calls in all, since the inspector is open. */
  readonly calls: number;
  /** Calls in each of the last seconds that ended. */
  readonly perSecond: number;
  readonly running: number;
  readonly errors: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly most: number;
}

/** The state of the backend. */
export interface Overview {
  /** The clock of the backend, in milliseconds since the epoch. */
  readonly now: number;
  /** A call that is followed stands for so many: 1 unless the backend is busy. Counts are estimates above 1. */
  readonly weight: number;
  readonly perSecond: number;
  readonly running: number;
  readonly errorsPerSecond: number;
  readonly sessions: number;
  /** Sessions that wait for their frontend. */
  readonly away: number;
  /** The 99th percentile of the delay of the event loop, in milliseconds. */
  readonly loopDelay: number;
  /** Bytes of the heap in use. */
  readonly heap: number;
  /** Requests, calls and upgrades that were refused, by reason. */
  readonly refusals: readonly (readonly [reason: string, count: number])[];
  /** The methods with the most calls. */
  readonly methods: readonly MethodRow[];
  /** How many methods are known. */
  readonly known: number;
}

/** The members by which sessions are sorted. */
export type SessionOrder = 'since' | 'user' | 'running' | 'waiting' | 'streams' | 'unsentBytes';

/** Which sessions are shown. */
export interface SessionQuery {
  /** Part of an id, a user, a frontend or an address; `''`: all. */
  readonly search: string;
  readonly order: SessionOrder;
  readonly descending: boolean;
  readonly offset: number;
  /** At most 200. */
  readonly limit: number;
}

/** A session. */
export interface SessionRow {
  readonly id: string;
  readonly user: string;
  readonly frontend: string;
  readonly ip: string;
  readonly transport: string;
  readonly state: 'connected' | 'away' | 'ended';
  /** When it began, in milliseconds since the epoch. */
  readonly since: number;
  readonly running: number;
  /** Messages that wait for others. */
  readonly waiting: number;
  readonly streams: number;
  /** Bytes that the frontend has not taken. */
  readonly unsentBytes: number;
  /** Bytes of answers that wait for the frontend. */
  readonly answerBytes: number;
}

/** A session with everything that is known of it. */
export interface SessionDetail extends SessionRow {
  /** Whether the session survives a broken connection. */
  readonly isDurable: boolean;
  readonly rooms: readonly string[];
  /** The channels that the backend listens to in this session. */
  readonly listened: readonly string[];
  readonly calls: readonly CallRow[];
}

/** A call that runs or has ended. */
export interface CallRow {
  /** Names the tier: `''` for this backend. */
  readonly tier: string;
  readonly name: string;
  readonly side: 'client' | 'server';
  readonly kind: 'rpc' | 'ipc' | 'notification';
  readonly transport: 'http' | 'ipc' | 'message';
  readonly activityId: string;
  /** `''` over HTTP. */
  readonly sessionId: string;
  /** When it began, in milliseconds since the epoch. */
  readonly start: number;
  /** In milliseconds; absent while it runs. */
  readonly duration?: number | undefined;
  /** How long it has waited for its turn, in milliseconds. */
  readonly waited: number;
  /** Items of a stream. */
  readonly items: number;
  /** `result`, `pending`, `notFound`, `noContent`, `left`, or the kind of its error; `''` while it runs. */
  readonly outcome: string;
  readonly failed: boolean;
}

/** A line of a log. */
export interface LineRow {
  readonly tier: string;
  readonly time: number;
  readonly level: string;
  readonly context: string;
  readonly text: string;
  readonly activityId: string;
}

/** The calls and log lines of an activity in all tiers. */
export interface ActivityDetail {
  readonly id: string;
  readonly calls: readonly CallRow[];
  readonly lines: readonly LineRow[];
  /** Other backends that could not be asked. */
  readonly missing: readonly string[];
}

/** An activity in a list. */
export interface ActivityRow {
  readonly id: string;
  /** The name of its first call. */
  readonly name: string;
  readonly start: number;
  readonly calls: number;
  readonly failed: boolean;
}

/** Where a text was found. */
export interface Found {
  readonly sessions: readonly SessionRow[];
  readonly activities: readonly ActivityRow[];
  readonly methods: readonly string[];
}

/** Calls in flight, the longest first, and slow calls, the latest first. */
export interface Calls {
  readonly running: readonly CallRow[];
  /** How many run in all. */
  readonly count: number;
  readonly slow: readonly CallRow[];
  readonly failed: readonly CallRow[];
}

/** The events since the batch before. */
export interface TailBatch {
  readonly events: readonly TailEvent[];
  /** Events that are not shown, because they are too many. */
  readonly dropped: number;
}

/** One line of the live tail. */
export type TailEvent =
  | { readonly type: 'call'; readonly call: CallRow }
  | { readonly type: 'line'; readonly line: LineRow }
  | { readonly type: 'session'; readonly id: string; readonly change: string; readonly time: number }
  | { readonly type: 'refused'; readonly reason: string; readonly time: number };

/** The options of the inspector that its page needs. */
export interface InspectorInfo {
  /** Names the backend. */
  readonly name: string;
  readonly mayClose: boolean;
  /** From this duration on a call is slow, in milliseconds. */
  readonly slowMs: number;
  /** The names of the other backends that are asked for the calls of an activity. */
  readonly others: readonly string[];
}

/** The functions of the inspector. */
export interface InspectorIpc {
  info(): Promise<InspectorInfo>;
  /** The state of the backend, once a second. A slow reader misses some. */
  watch(): AsyncIterable<Overview>;
  sessions(query: SessionQuery): Promise<{ rows: SessionRow[]; count: number }>;
  session(id: string): Promise<SessionDetail | undefined>;
  /** Ends a session. @returns whether there was one */
  closeSession(id: string): Promise<boolean>;
  calls(search: string): Promise<Calls>;
  /** @param alone leaves the other backends out */
  activity(id: string, alone?: boolean): Promise<ActivityDetail>;
  /** The latest activities. */
  activities(): Promise<ActivityRow[]>;
  find(text: string): Promise<Found>;
  /** @param search part of a name, an activity, a session or a line; `''`: everything */
  tail(search: string): AsyncIterable<TailBatch>;
}

/** The channel of the inspector, at its own endpoint and not among the channels of the application. */
export const inspectorChannel = ipcChannel<InspectorIpc>('linnet.inspector', {
  methods: {
    info: {},
    watch: { stream: true },
    sessions: {},
    session: {},
    closeSession: {},
    calls: {},
    activity: {},
    activities: {},
    find: {},
    tail: { stream: true },
  },
});
