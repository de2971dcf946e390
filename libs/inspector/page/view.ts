import type { IpcProxy } from '@linnet/frontend';
import type { InspectorInfo, InspectorIpc, Overview } from '../src/channel/inspector.ipc.js';

/** The parts of the page that views use. */
export interface PageContext {
  readonly inspector: IpcProxy<InspectorIpc>;
  readonly info: InspectorInfo;
  /** Shows a session beside the view. */
  showSession(id: string): void;
  /** Shows an activity beside the view. */
  showActivity(id: string): void;
  /** Searches for a text. */
  search(text: string): void;
}

/** One of the views of the page. */
export interface View {
  readonly title: string;
  readonly element: HTMLElement;
  /** A second has passed, and the view is visible. */
  tick(overview: Overview): Promise<void> | void;
  /** The view is hidden from now on. */
  hidden?(): void;
}
