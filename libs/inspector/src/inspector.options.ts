import type { IncomingMessage } from 'node:http';

/**
 * Decides who may use the inspector.
 *
 * @param request the request for the page, or the upgrade request of its session
 * @returns `true`: everything; `'read'`: everything except to close sessions; `false`: nothing
 */
export type InspectorAuthorize = (request: IncomingMessage) => boolean | 'read' | Promise<boolean | 'read'>;

/** Options of `InspectorModule`. */
export interface InspectorOptions {
  /** The path of the page, not `/`. The global prefix does not count. Default `/inspector`. */
  readonly path?: string;
  /**
   * Decides who may use the inspector. Without it the application starts only with `NODE_ENV=development`, and the inspector
   * answers only requests over loopback.
   */
  readonly authorize?: InspectorAuthorize;
  /** Origins of pages that may open the session, beside the host of the server, as in `IpcModule`: for a gateway that changes the host. */
  readonly origins?: readonly string[];
  /** Names of this server, as in `IpcModule`: for a gateway on this computer that passes on its own name. */
  readonly hosts?: readonly string[];
  /** Names this backend among the tiers of an activity. Default `backend`. */
  readonly name?: string;
  /** From this duration on a call is slow, in milliseconds. Default 500. */
  readonly slowMs?: number;
  /** Shows the lines that `ActivityLogger` writes within calls. Default `true`. */
  readonly logLines?: boolean;
  /** The text that stands for the user of a session. Default: the user's `name`, `username`, `preferred_username`, `email`, `sub` or `id`, or a number. */
  readonly userName?: (user: unknown) => string;
  /**
   * The inspectors of other backends by name, each with the address of its session: `ws://127.0.0.1:3002/inspector/ipc`. They are
   * asked for the calls of an activity. A function is asked before each connection, for instance for a ticket in the URL.
   */
  readonly others?: Readonly<Record<string, string | (() => string | Promise<string>)>>;
}
