import { electronBridge, electronIpc } from '@linnet/electron/renderer';
import { IpcApp, webSocketIpc } from '@linnet/frontend';
import type { IpcClosure } from '@linnet/frontend';
import { robotChannel } from '../src/common/robot.ipc.js';
import { byId, make, tell } from './elements.js';
import type { Floor } from './floor.js';

/** Says how a backend is, for everybody to see. */
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
 * Keeps the page paired with Robot World, and says what that means.
 *
 * @param begin is called whenever there is a new session, which knows nothing of the one before, with what to say of that
 */
export function pair(floor: Floor, begin: (news: string) => void): void {
  const address = new URL('ipc', location.href.replace(/^http/, 'ws'));
  let isFirst = true;
  let lost: string | undefined;
  const show = (state: 'good' | 'bad' | 'unknown', text: string) => showBackend('robot-world', state, text);
  show('unknown', 'connecting …');
  // It does not end before there is a session, however long that takes.
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
      tell(`The session with robot-world is lost: ${lost}`);
    }
    if (state !== 'open') return;
    show('good', 'connected');
    if (isFirst) begin('');
    else if (lost) begin(`Connected again; ${lost} `);
    else tell('The connection is restored: nothing was lost.');
    [isFirst, lost] = [false, undefined];
  });
}

function reasonOf(closure?: IpcClosure): string {
  return closure ? `${closure.code}${closure.reason && `: ${closure.reason}`}` : 'unknown';
}
