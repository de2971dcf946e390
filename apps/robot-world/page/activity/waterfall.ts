import type { TracedSpan } from '../../src/common/activity-trace.rpc.js';
import { make } from '../dom/elements.js';
import { duration } from './duration.js';

/** The number of spans that a row shows: a drive with many bends makes many. */
const SHOWN = 80;
/** Deeper spans are not indented further. */
const MOST_DEPTH = 12;

/** Spans of a trace as bars on one time line, each below its parent. */
export function waterfallItems(spans: readonly TracedSpan[]): HTMLElement[] {
  const first = Math.min(...spans.map(({ start }) => start));
  const last = Math.max(...spans.map(({ end }) => end));
  const share = (time: number) => `${((time - first) / (last - first || 1)) * 100}%`;
  return inTree(spans)
    .slice(0, SHOWN)
    .map(({ span, depth }) => {
      const { tier, name, kind, start, end, failed, spanId, parentId } = span;
      const bar = make('span');
      bar.style.setProperty('--from', share(start));
      bar.style.setProperty('--to', share(end));
      const item = make(
        'li',
        {},
        make('span', { className: 'method' }, make('b', {}, tier), `${name} `, make('i', {}, kind)),
        make('span', { className: 'duration' }, `${failed ? 'failed, ' : ''}${duration(end - start)}`),
        make('span', { className: 'track' }, bar),
      );
      item.style.setProperty('--depth', String(Math.min(depth, MOST_DEPTH)));
      Object.assign(item.dataset, {
        tier,
        kind,
        name,
        span: spanId,
        parent: parentId,
        failed: String(failed),
      });
      return item;
    });
}

interface Placed {
  readonly span: TracedSpan;
  readonly depth: number;
}

/** Each span behind its parent, children in the order of their beginning. A span whose parent is not known is a root. */
function inTree(spans: readonly TracedSpan[]): Placed[] {
  const known = new Set(spans.map(({ spanId }) => spanId));
  const children = new Map<string, TracedSpan[]>();
  for (const span of spans) {
    const parent = known.has(span.parentId) ? span.parentId : '';
    children.set(parent, [...(children.get(parent) ?? []), span]);
  }
  const placed: Placed[] = [];
  const place = (parent: string, depth: number): void => {
    for (const span of children.get(parent) ?? []) {
      placed.push({ span, depth });
      // A backend could return a span that is its own parent.
      if (placed.length < spans.length) place(span.spanId, depth + 1);
    }
  };
  place('', 0);
  return placed;
}
