import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { earlierAnswers, refuseUpgrade } from './upgrade.refusal.js';

/** An interest in some of the upgrade requests of a server. */
interface UpgradeClaim {
  owns(request: IncomingMessage): boolean;
  take(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

/** The claims on each server. Two of them share one listener: each would mistake another for a listener that answers. */
const claims = new WeakMap<Server, UpgradeClaim[]>();

/**
 * Takes the upgrade requests of a server that `owns` selects, before any other listener gets them. Nest's `WsAdapter`
 * destroys upgrades of unknown paths, and Socket.IO cuts them after a second, whichever listener was first. One more
 * listener is therefore not enough.
 */
export function claimUpgrades(server: Server, owns: UpgradeClaim['owns'], take: UpgradeClaim['take']): void {
  const known = claims.get(server);
  if (known) {
    known.push({ owns, take });
    return;
  }
  const all: UpgradeClaim[] = [{ owns, take }];
  claims.set(server, all);
  const emit = server.emit.bind(server) as (event: string, ...args: unknown[]) => boolean;
  server.emit = (event: string, ...args: unknown[]) => {
    if (event !== 'upgrade') return emit(event, ...args);
    const [request, socket, head] = args as [IncomingMessage, Duplex, Buffer];
    const claim = all.find((each) => each.owns(request));
    if (claim) claim.take(request, socket, head);
    // The listener below is the only one. Without it Node would have treated this as an ordinary request.
    else if (!hasOthers(server)) giveBack(server, request, socket, head).catch(() => socket.destroy());
    else emit(event, ...args);
    return true;
  };
  // Node emits upgrades only if they have a listener.
  server.on('upgrade', () => undefined);
}

/** Whether upgrades have listeners other than the one above. */
function hasOthers(server: Server): boolean {
  return server.listenerCount('upgrade') > 1;
}

/**
 * Gives a request back to the server that asked for an upgrade nobody offers, less what asked for it, when all that came
 * before it on the connection is answered: the server knows nothing of that any more. One whose headers are not all known
 * is refused: without its length its body would be read as a request.
 */
async function giveBack(
  server: Server,
  request: IncomingMessage,
  socket: Duplex,
  rest: Buffer,
): Promise<void> {
  // Node's own listeners are gone from the socket, and an error without one would end the process.
  const failed = () => socket.destroy();
  socket.on('error', failed);
  await earlierAnswers(socket);
  if (socket.destroyed) return;
  if (isCut(server, request)) refuseUpgrade(socket, 431, 'The request has too many headers.');
  else {
    socket.off('error', failed);
    socket.unshift(Buffer.concat([headOf(request), rest]));
    server.emit('encrypted' in socket ? 'secureConnection' : 'connection', socket);
  }
}

/** Whether Node has left out headers: it keeps so many. */
function isCut({ maxHeadersCount }: Server, { rawHeaders }: IncomingMessage): boolean {
  const kept = maxHeadersCount ?? 1000;
  return kept > 0 && rawHeaders.length >= 2 * kept;
}

function headOf({ method, url, httpVersion, rawHeaders }: IncomingMessage): Buffer {
  let head = `${method} ${url} HTTP/${httpVersion}\r\n`;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    if (name.toLowerCase() === 'upgrade') continue;
    const value =
      name.toLowerCase() === 'connection'
        ? rawHeaders[i + 1]!.replace(/\bupgrade\b\s*,?/i, '')
        : rawHeaders[i + 1]!;
    head += `${name}: ${value}\r\n`;
  }
  // Headers come in as latin1.
  return Buffer.from(`${head}\r\n`, 'latin1');
}
