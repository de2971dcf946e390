import { electronBridge, electronIpc } from '@linnet/electron/renderer';
import { IpcApp, webSocketIpc } from '@linnet/frontend';
import type { IpcClosure } from '@linnet/frontend';
import { robotChannel } from '../../src/common/robot.ipc.js';
import { byId, make, announce } from '../dom/elements.js';
import type { Floor } from '../floor/floor.js';

/** Shows the state of a backend in the header of the page. */
export function showBackend(name: string, state: 'good' | 'bad' | 'unknown', text: string): void {
  const list = byId('backends', HTMLElement);
  const item = list.querySelector<HTMLElement>(`[data-name="${name}"]`) ?? make('li');
  item.dataset['name'] = name;
  item.dataset['state'] = state;
  const words = `${name}: ${text}`;
  if (item.textContent !== words) item.textContent = words;
  if (!item.isConnected) list.append(item);
}

/**
 * Keeps the page connected to Robot World over IPC, and shows the state of the connection.
 *
 * @param begin loads the floor in each new session, which has nothing of the session before. It receives a text to show first
 */
export function keepConnected(floor: Floor, begin: (news: string) => void): void {
  const address = new URL('ipc', location.href.replace(/^http/, 'ws'));
  let isFirst = true;
  let lost: string | undefined;
  const show = (state: 'good' | 'bad' | 'unknown', text: string) => showBackend('robot-world', state, text);
  show('unknown', 'connecting …');
  // The promise resolves when a session begins, however long that takes.
  void IpcApp.startup(electronBridge() ? electronIpc() : webSocketIpc(address), { reconnectMs: [250, 2000] });
  const { frontend } = IpcApp;
  frontend.addListener(
    robotChannel,
    (_event, name: string, id: string, position: { x: number; y: number }) => {
      if (name === 'moved') floor.move(id, position);
    },
  );
  frontend.onStateChange((state, closure) => {
    if (state === 'interrupted') show('bad', 'connection lost; trying to restore the session …');
    if (state === 'connecting' && !isFirst) {
      const { size } = floor.routes;
      lost ??= `${size} ${size === 1 ? 'drive is' : 'drives are'} lost.`;
      show('bad', `session lost; connecting again … (${reasonOf(closure)})`);
      announce(`The session with robot-world is lost: ${lost}`);
    }
    if (state !== 'open') return;
    show('good', 'connected');
    if (isFirst) begin('');
    else if (lost) begin(`Connected again; ${lost} `);
    else announce('The connection is restored: nothing was lost.');
    [isFirst, lost] = [false, undefined];
  });
}

function reasonOf(closure?: IpcClosure): string {
  return closure ? `${closure.code}${closure.reason && `: ${closure.reason}`}` : 'unknown';
}
