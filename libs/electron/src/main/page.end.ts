import type { ElectronContents, ElectronListener } from './electron.types.js';

/** What Chromium says of a page that is not left after all: a download, an answer without content. */
const ERR_ABORTED = -3;

/**
 * Finds out when the page that a window shows is gone: reloaded, left for another, crashed, closed.
 *
 * @param ended is told of each, as a sentence
 * @returns stops
 */
export function onPageEnd(contents: ElectronContents, ended: (reason: string) => void): () => void {
  const left = () => ended('The page was left.');
  const failed = (_event: unknown, error: number, _text: unknown, _url: unknown, isMainFrame: boolean) => {
    // An error page is in its place: nothing else tells of that.
    if (isMainFrame && error !== ERR_ABORTED) left();
  };
  const gone = (_event: unknown, { reason }: { readonly reason: string }) =>
    ended(`The page's process is gone: ${reason}.`);
  const closed = () => ended('The window was closed.');
  const events: readonly [name: string, listener: ElectronListener][] = [
    ['did-navigate', left],
    ['did-fail-load', failed],
    ['render-process-gone', gone],
    ['destroyed', closed],
  ];
  for (const [name, listener] of events) contents.on(name, listener);
  return () => {
    for (const [name, listener] of events) contents.removeListener(name, listener);
  };
}
