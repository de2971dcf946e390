import { IpcFrontend, webSocketIpc } from '@linnet/frontend';
import { inspectorChannel } from '../src/channel/inspector.ipc.js';
import type { InspectorIpc, Overview } from '../src/channel/inspector.ipc.js';
import { byId, make, setText } from './dom.js';
import { bytes, count, duration, setClock } from './format.js';
import type { PageContext, View } from './view.js';
import { ActivitiesView } from './views/activities.view.js';
import { CallsView } from './views/calls.view.js';
import { activityDetail, foundDetail, sessionDetail } from './views/details.js';
import { MethodsView } from './views/methods.view.js';
import { SessionsView } from './views/sessions.view.js';
import { TailView } from './views/tail.view.js';

const AGAIN_MS = 1000;

const address = new URL('ipc', location.href.replace(/^http/, 'ws'));
const frontend = new IpcFrontend(webSocketIpc(address), { reconnectMs: [500, 5000] });
const inspector = frontend.makeIpcProxy<InspectorIpc>(inspectorChannel);

const detail = byId('detail', HTMLElement);
const detailTitle = byId('detail-title', HTMLElement);
const detailBody = byId('detail-body', HTMLElement);
const text = byId('text', HTMLInputElement);
let latest: Overview | undefined;
/** Shows the details again, if they change. */
let refreshDetail: (() => Promise<void>) | undefined;

frontend.onStateChange((state) => {
  setText(byId('state', HTMLElement), state === 'open' ? 'Connected' : 'Not connected. Trying again …');
  document.body.dataset['state'] = state;
});

const info = await inspector.info();
setText(byId('name', HTMLElement), info.name);
document.title = `Inspector: ${info.name}`;

/** Opens the details, which are fetched now and every second. */
function openDetail(title: string, fetchBody: () => Promise<readonly HTMLElement[]>, repeats: boolean): void {
  const show = async () => {
    const body = await fetchBody();
    if (refreshDetail !== show) return;
    detailBody.replaceChildren(...body);
  };
  refreshDetail = show;
  detail.hidden = false;
  detailTitle.textContent = title;
  detailBody.replaceChildren(make('p', { className: 'empty' }, 'Loading …'));
  detailTitle.focus();
  void show().then(() => {
    if (!repeats && refreshDetail === show) refreshDetail = undefined;
  });
}

let opener: Element | null = null;

function closeDetail(): void {
  refreshDetail = undefined;
  detail.hidden = true;
  // Back to the button that has opened it, for readers without a pointer.
  if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
  else byId('view', HTMLElement).focus();
}

function remember(): void {
  if (!detail.contains(document.activeElement)) opener = document.activeElement;
}

const page: PageContext = {
  inspector,
  info,
  showSession(id) {
    remember();
    const fetchBody = async () => {
      const session = await inspector.session(id);
      if (session) return sessionDetail(page, session);
      return [make('p', { className: 'empty' }, 'The session is over.')];
    };
    openDetail(`Session ${id}`, fetchBody, false);
  },
  showActivity(id) {
    remember();
    openDetail(`Activity ${id}`, async () => activityDetail(await inspector.activity(id), info.name), true);
  },
  search(wanted) {
    remember();
    text.value = wanted;
    openDetail(`Search for ${wanted}`, async () => foundDetail(page, await inspector.find(wanted)), false);
  },
};

const views: readonly View[] = [
  new MethodsView(page),
  new SessionsView(page),
  new CallsView(page),
  new ActivitiesView(page),
  new TailView(page),
];
const panel = byId('view', HTMLElement);
const tabList = byId('tabs', HTMLElement);
const tabs = views.map((view) => {
  const tab = make('button', { type: 'button', role: 'tab', onclick: () => choose(view) }, view.title);
  tab.setAttribute('aria-controls', 'view');
  tabList.append(tab);
  return tab;
});
let current = views[0]!;

function choose(view: View): void {
  if (view !== current) current.hidden?.();
  current = view;
  for (const [i, tab] of tabs.entries()) {
    const isCurrent = views[i] === view;
    tab.setAttribute('aria-selected', String(isCurrent));
    tab.tabIndex = isCurrent ? 0 : -1;
  }
  panel.setAttribute('aria-label', view.title);
  panel.replaceChildren(view.element);
  if (latest) void refresh(latest);
}

let isRefreshing = false;

/** Shows the current view. A view that is not done yet is not asked again. */
async function refresh(overview: Overview): Promise<void> {
  if (isRefreshing) return;
  isRefreshing = true;
  try {
    await Promise.all([current.tick(overview), refreshDetail?.()]);
  } catch {
    // The session may be over, and the next one answers.
  } finally {
    isRefreshing = false;
  }
}

const figures = ['Calls/s', 'In flight', 'Errors/s', 'Sessions', 'Loop delay', 'Heap'].map((name) => {
  const value = make('dd', {}, '');
  byId('figures', HTMLElement).append(make('div', {}, make('dt', {}, name), value));
  return value;
});

function showFigures({
  perSecond,
  running,
  errorsPerSecond,
  sessions,
  away,
  loopDelay,
  heap,
}: Overview): void {
  const texts = [
    count(perSecond),
    count(running),
    count(errorsPerSecond),
    away > 0 ? `${count(sessions)}, ${count(away)} away` : count(sessions),
    duration(loopDelay),
    bytes(heap),
  ];
  for (const [i, each] of texts.entries()) setText(figures[i]!, each);
}

byId('search', HTMLFormElement).addEventListener('submit', (event) => {
  event.preventDefault();
  if (text.value.trim() !== '') page.search(text.value.trim());
});
byId('detail-close', HTMLButtonElement).addEventListener('click', closeDetail);

addEventListener('keydown', (event) => {
  const { key, target } = event;
  const isWriting = target instanceof HTMLInputElement;
  if (key === 'Escape' && !detail.hidden) closeDetail();
  else if (key === '/' && !isWriting) {
    event.preventDefault();
    text.focus();
  } else if ((key === 'ArrowLeft' || key === 'ArrowRight') && tabs.includes(target as HTMLButtonElement)) {
    const step = key === 'ArrowRight' ? 1 : views.length - 1;
    const next = (views.indexOf(current) + step) % views.length;
    choose(views[next]!);
    tabs[next]!.focus();
  }
});

choose(current);

/** Follows the state of the backend, in one session after the other. */
async function follow(): Promise<void> {
  for (;;) {
    try {
      for await (const overview of inspector.watch()) {
        latest = overview;
        setClock(overview.now);
        // Nobody looks at a hidden page.
        if (document.hidden) continue;
        showFigures(overview);
        void refresh(overview);
      }
    } catch {
      // The session is over.
    }
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}

void follow();
