import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';

/**
 * Takes those upgrade requests of a server that `owns` picks, before any other listener hears of them. Nest's
 * `WsAdapter` destroys upgrades of paths that it does not know and Socket.IO cuts them after a second, whoever
 * came first: a listener among theirs is not enough.
 */
export function claimUpgrades(
  server: Server,
  owns: (request: IncomingMessage) => boolean,
  take: (request: IncomingMessage, socket: Duplex, head: Buffer) => void,
): void {
  const emit = server.emit.bind(server) as (event: string, ...args: unknown[]) => boolean;
  server.emit = (event: string, ...args: unknown[]) => {
    if (event !== 'upgrade') return emit(event, ...args);
    const [request, socket, head] = args as [IncomingMessage, Duplex, Buffer];
    if (owns(request)) take(request, socket, head);
    // The listener below is the only one: without it Node would have taken this for an ordinary request.
    else if (server.listenerCount('upgrade') === 1) asRequest(server, request, socket, head);
    else emit(event, ...args);
    return true;
  };
  // Node tells of upgrades only where somebody listens.
  server.on('upgrade', () => undefined);
}

/** Hands a request back to the server that asked for an upgrade nobody offers, less what asked for it. */
function asRequest(server: Server, request: IncomingMessage, socket: Duplex, rest: Buffer): void {
  const { method, url, httpVersion, rawHeaders } = request;
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
  socket.unshift(Buffer.concat([Buffer.from(`${head}\r\n`, 'latin1'), rest]));
  server.emit('encrypted' in socket ? 'secureConnection' : 'connection', socket);
}
