// A part of the floor, live: what stands there comes over RPC, and what moves over IPC.
import { colour, paintAlways, paintCells } from './floor-canvas.js';
import { connect } from './robot-ipc.js';
import { call, readInterface, token } from './robot-rpc.js';

/** What is shown, in metres. */
const region = { minX: 0, minY: 0, maxX: 80, maxY: 32 };
const width = region.maxX - region.minX;
const depth = region.maxY - region.minY;
/** Edge of a cell of the ground, in metres. */
const resolution = 0.1;
/** Pixels of the canvas for a metre; the style sheet makes it as wide as the window allows. */
const scale = 20;
/** How far the button sends robots along their aisles, in metres. */
const outing = 10;

const closed = 'The connection is closed. Load the page again when the server runs.';

const canvas = document.getElementById('live');
const status = document.getElementById('traffic');
const button = document.getElementById('drive');

/** All that have been heard of, by their ids. */
const robots = new Map();
/** Where robots are on their way to, by their ids. */
const destinations = new Map();
const ground = new OffscreenCanvas(width / resolution, depth / resolution);
let colours = {};

function paint() {
  const context = canvas.getContext('2d');
  const { atRest, onItsWay } = colours;
  context.imageSmoothingEnabled = false;
  context.lineWidth = 2;
  context.drawImage(ground, 0, 0, canvas.width, canvas.height);
  for (const { id, x, y, radius } of robots.values()) {
    const destination = destinations.get(id);
    context.strokeStyle = context.fillStyle = destination ? onItsWay : atRest;
    context.beginPath();
    context.arc(...pixel({ x, y }), radius * scale, 0, 2 * Math.PI);
    context.fill();
    if (!destination) continue;
    context.beginPath();
    context.moveTo(...pixel({ x, y }));
    context.lineTo(...pixel(destination));
    context.stroke();
  }
}

/** However much has changed since the last picture, there is one at a time. */
let isPainting = false;
function paintSoon() {
  if (isPainting) return;
  isPainting = true;
  requestAnimationFrame(() => {
    isPainting = false;
    paint();
  });
}

const pixel = ({ x, y }) => [(x - region.minX) * scale, (region.maxY - y) * scale];

/** Where on the floor somebody has clicked. */
const place = ({ offsetX, offsetY }) => ({
  x: region.minX + (offsetX / canvas.clientWidth) * width,
  y: region.maxY - (offsetY / canvas.clientHeight) * depth,
});

const distance = (a, b) => Math.hypot(a.x - b.x, a.y - b.y);

const nearestTo = (to) =>
  [...robots.values()].reduce((best, robot) => (distance(robot, to) < distance(best, to) ? robot : best));

/** The server calls this. */
function moved(id, position) {
  // One that comes from elsewhere is not known yet; most are half a metre.
  robots.set(id, { id, radius: 0.5, ...robots.get(id), ...position });
  paintSoon();
}

async function drive(invoke, { id, name }, to) {
  destinations.set(id, to);
  tell(`${name ?? id} is on its way.`);
  const ending = await invoke('drive', id, to).then(describe, ({ message }) => `cannot drive: ${message}`);
  // It may have been sent elsewhere meanwhile.
  if (destinations.get(id) !== to) return;
  destinations.delete(id);
  tell(`${name ?? id} ${ending}`);
  paintSoon();
}

function describe({ arrived, hit }) {
  if (arrived) return 'has arrived.';
  if (!hit) return 'has been stopped.';
  return hit.length > 0 ? `stands in front of ${hit.join(', ')}.` : 'stands at the edge of the floor.';
}

function tell(news) {
  const { size } = destinations;
  status.textContent = size > 0 ? `${size} on the way. ${news}` : news;
}

async function start() {
  const invoke = await connect('robot-v1.2', { moved }, () => {
    button.disabled = true;
    status.textContent = closed;
  });
  // First this, so that nothing moves unseen between the two.
  const count = await invoke('subscribe', region);
  for (const robot of await call(`${readInterface}-queryRobots`, token, region)) robots.set(robot.id, robot);
  const cells = await call(`${readInterface}-floorSnapshot`, token, region, resolution);
  canvas.width = width * scale;
  canvas.height = depth * scale;
  paintAlways(() => {
    // Robots are painted where they are now, and not where they were in the snapshot.
    paintCells(ground, cells, ['--free', '--obstacle', '--free']);
    colours = { atRest: colour('--robot'), onItsWay: colour('--accent') };
    paint();
  });
  canvas.addEventListener('click', (event) => {
    const to = place(event);
    void drive(invoke, nearestTo(to), to);
  });
  button.addEventListener('click', () => {
    for (const robot of robots.values())
      void drive(invoke, robot, { x: robot.x + (Math.random() < 0.5 ? -outing : outing), y: robot.y });
  });
  button.disabled = false;
  status.textContent = `${count} robots are here.`;
}

await start().catch(({ message }) => (status.textContent = message));
