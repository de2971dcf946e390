import { IpcFrontend } from '@linnet/common';
import type { IpcProxy } from '@linnet/common';
import { textOf } from '@linnet/common/internal';
import { webSocketIpc } from '@linnet/frontend';
import { inspectorChannel } from '../channel/inspector.ipc.js';
import type { CallRow, InspectorIpc, LineRow } from '../channel/inspector.ipc.js';
import { shortText } from '../record/short.text.js';

/** How long another backend may take to answer, in milliseconds. */
const ANSWER_MS = 3_000;
/** Rows that are taken of another backend. */
const MOST_ROWS = 500;
const TEXT_LENGTH = 500;

interface Other {
  readonly frontend: IpcFrontend;
  readonly inspector: IpcProxy<InspectorIpc>;
}

/** The calls and lines of an activity in other backends. */
export interface OtherTiers {
  readonly calls: CallRow[];
  readonly lines: LineRow[];
  /** The backends that did not answer. */
  readonly missing: string[];
}

/** The inspectors of other backends. They record as long as this one is open. */
export class OtherInspectors {
  readonly #open = new Map<string, Other>();

  constructor(
    private readonly addresses: Readonly<Record<string, string | (() => string | Promise<string>)>>,
  ) {}

  get names(): string[] {
    return Object.keys(this.addresses);
  }

  /** Connects to all of them, so that they record from now on. */
  open(): void {
    for (const [name, address] of Object.entries(this.addresses)) {
      if (this.#open.has(name)) continue;
      const options = { reconnectMs: [1000, 10_000], isObserved: false } as const;
      const frontend = new IpcFrontend(webSocketIpc(address), options);
      const inspector = frontend.makeIpcProxy<InspectorIpc>(inspectorChannel, { timeoutMs: ANSWER_MS });
      this.#open.set(name, { frontend, inspector });
    }
  }

  /** The calls and lines of an activity. Never rejects. */
  async activity(id: string): Promise<OtherTiers> {
    const result: OtherTiers = { calls: [], lines: [], missing: [] };
    const asked = [...this.#open].map(async ([tier, { inspector }]) => {
      try {
        const { calls, lines } = await inspector.activity(id, true);
        for (const call of calls.slice(0, MOST_ROWS)) result.calls.push({ ...call, tier });
        for (const line of lines.slice(0, MOST_ROWS))
          result.lines.push({ ...line, text: shortText(textOf(line.text), TEXT_LENGTH), tier });
      } catch {
        result.missing.push(tier);
      }
    });
    await Promise.all(asked);
    return result;
  }

  close(): void {
    for (const { frontend } of this.#open.values()) frontend.close();
    this.#open.clear();
  }
}
