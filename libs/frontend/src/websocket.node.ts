import { WebSocket } from 'ws';

/** Node 20 has no WebSocket of its own, and that of later versions cannot be given headers. */
export const PlatformWebSocket: unknown = WebSocket;

/** As much of a refusal's body as is read: a sentence. */
const MAX_TEXT_LENGTH = 200;

/** As much of a socket of `ws`, and of Node's answer to an upgrade, as is used. */
interface NodeWebSocket {
  on(event: 'unexpected-response', listener: (request: unknown, response: Answer) => void): void;
  terminate(): void;
}

interface Answer {
  readonly statusCode: number;
  readonly statusMessage: string;
  setEncoding(encoding: 'utf8'): void;
  on(event: 'data' | 'end' | 'close', listener: (text: string) => void): void;
}

/**
 * Reports a server that answers an upgrade with another status than 101, and ends the connection.
 *
 * @param socket of `ws`; any other does not say how it was refused
 * @param refused is called once, with the status and what the server has written
 */
export function onRefusal(socket: unknown, refused: (reason: string) => void): void {
  const known = socket as Partial<NodeWebSocket>;
  if (typeof known.on !== 'function' || typeof known.terminate !== 'function') return;
  known.on('unexpected-response', (_request, response) => {
    let text = '';
    let isOver = false;
    const over = () => {
      if (isOver) return;
      isOver = true;
      const { statusCode, statusMessage } = response;
      const answer = `${statusMessage} ${text.slice(0, MAX_TEXT_LENGTH)}`;
      // A line of a log, whatever the server has written.
      refused(`The upgrade was refused: ${statusCode} ${answer.replace(/[\s\p{Cc}]+/gu, ' ').trim()}`);
      known.terminate!();
    };
    response.setEncoding('utf8');
    response.on('data', (chunk) => {
      text += chunk;
      if (text.length > MAX_TEXT_LENGTH) over();
    });
    response.on('end', over);
    response.on('close', over);
  });
}
