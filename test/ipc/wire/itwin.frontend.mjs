// The real frontend, in a process of its own: `node itwin.frontend.mjs <url>`. It starts, takes every step of
// itwin.frontend.steps.mjs, and prints for each what came of it and the text frames that it took, as a line of JSON.
import { WebSocket } from 'ws';
import { environment, frames } from './itwin.frontend.environment.mjs';

Object.assign(globalThis, environment(WebSocket));
// Only now: they look for a browser when they are loaded.
const { steps } = await import('./itwin.frontend.steps.mjs');

/** How long a step may take: a call that is never answered must not hold up the others. */
const PATIENCE_MS = 5000;

for (const [id, step] of Object.entries(steps)) {
  const first = frames.length;
  const outcome = await outcomeOf(step);
  // A frame that was sent last has no answer to wait for.
  print({ id, ...outcome, textFrames: frames.slice(first) });
}
process.stdout.end(() => process.exit(0));

async function outcomeOf(step) {
  // Sleeps: only a step that gets no answer waits for this timer.
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS, { unanswered: true }).unref());
  return Promise.race([settled(step), late]);
}

async function settled(step) {
  try {
    return { resolved: readable(await step(new URL(process.argv[2]))) };
  } catch (error) {
    return { rejected: readableError(error) };
  }
}

function readableError(error) {
  if (!(error instanceof Error)) return { thrown: readable(error), typeof: typeof error };
  const { name, message, errorNumber, iTwinErrorId } = error;
  const { stack: _, _metaData, ...members } = error;
  const loggingMetadata = error.hasMetaData ? error.loggingMetadata : undefined;
  const own = readable({ ...members, errorNumber, iTwinErrorId, loggingMetadata });
  return { class: error.constructor.name, ...own, name, message };
}

/** A value as JSON can carry it: views say what they are. */
function readable(value) {
  if (ArrayBuffer.isView(value)) {
    const { buffer, byteOffset, byteLength } = value;
    return { kind: value.constructor.name, hex: Buffer.from(buffer, byteOffset, byteLength).toString('hex') };
  }
  if (Array.isArray(value)) return value.map(readable);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, readable(item)]));
}

function print(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
