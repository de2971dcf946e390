import type { ElectronContents, ElectronFrame, ElectronSender } from '../electron/electron.types.js';

/** The policies of all backends of this process. */
const all = new Set<SenderPolicy>();

/** Decides which pages may call the main process: pages of the application, in main frames of added windows. */
export class SenderPolicy {
  readonly #windows = new WeakSet<ElectronContents>();
  readonly #pages: readonly string[];

  /**
   * @param pages folders and files, by their URLs
   * @param allow decides on frames of other windows, and on frames within pages
   */
  constructor(
    pages: readonly string[],
    private readonly allow: ((sender: ElectronSender) => boolean) | undefined,
  ) {
    this.#pages = pages.map((page) => new URL(page).href);
    all.add(this);
  }

  add(contents: ElectronContents): void {
    this.#windows.add(contents);
  }

  /** Whether a window is one of those that were given. */
  has(contents: ElectronContents): boolean {
    return this.#windows.has(contents);
  }

  /** Whether a window belongs to another backend of this process, which answers it. */
  belongsToAnother(contents: ElectronContents): boolean {
    return !this.#windows.has(contents) && [...all].some((rules) => rules.#windows.has(contents));
  }

  /** The backend of these windows has ended. */
  close(): void {
    all.delete(this);
  }

  /** The reason why messages of a sender are ignored; `undefined` if they are not. */
  refusal(event: ElectronSender): string | undefined {
    const frame = event.senderFrame!;
    if (!this.isPageOf(frame)) return `${frame.url} is not a page of the application`;
    if (this.#windows.has(event.sender) && frame.parent === null) return undefined;
    // Nothing but `true`: the promise of an asynchronous function would let everybody in.
    if (this.allow?.(event) === true) return undefined;
    return frame.parent === null ? 'ElectronHost was not given its window' : 'it is not the main frame';
  }

  /** Whether a frame shows a page of the application, with all its rights: a document that is sandboxed has none. */
  isPageOf({ url, origin }: ElectronFrame): boolean {
    return this.isPage(url) && origin === originOf(url);
  }

  /** Whether there is a page of the application at a URL. */
  isPage(url: string): boolean {
    if (!URL.canParse(url)) return false;
    const { href } = new URL(url);
    const [path] = href.split(/[?#]/, 1);
    return this.#pages.some((page) => (page.endsWith('/') ? href.startsWith(page) : path === page));
  }
}

/** The origin in Chromium, in which schemes of an application have origins as well. */
function originOf(url: string): string {
  const { protocol, host } = new URL(url);
  return protocol === 'file:' ? 'file://' : `${protocol}//${host}`;
}
