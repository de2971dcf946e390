import { paintAlways, paintCells, swatch } from './floor-canvas.js';
import { call, readInterface, token } from './robot-rpc.js';

/** Edge of a cell, in metres. */
const resolution = 0.25;
const element = (id) => document.getElementById(id);

async function countRobots() {
  const operation = `${readInterface}-countRobots`;
  const start = performance.now();
  const count = await call(operation, token);
  element('answer').textContent = `${count} robots, in ${(performance.now() - start).toFixed(1)} ms`;
  element('exchange').textContent = `POST ${operation}\n${JSON.stringify([token])}\n→ ${count}`;
  element('exchange').hidden = false;
}

async function drawFloor() {
  const { width, depth } = await call(`${readInterface}-describeFloor`, token);
  const region = { minX: 0, minY: 0, maxX: width, maxY: depth };
  const cells = await call(`${readInterface}-floorSnapshot`, token, region, resolution);
  const canvas = element('floor');
  canvas.width = Math.ceil(width / resolution);
  canvas.height = Math.ceil(depth / resolution);
  paintAlways(() => paintCells(canvas, cells, ['--free', '--obstacle', '--robot']));
  element('caption').replaceChildren(
    `${width} m × ${depth} m, ${cells.length.toLocaleString()} bytes:`,
    swatch('--obstacle'),
    'obstacle',
    swatch('--robot'),
    'robot',
  );
}

/** Any server says what it offers on its control channel, whatever the name of the interface there. */
async function listInterfaces() {
  const interfaces = await call('page-CONTROL-describeEndpoints');
  for (const { interfaceName, interfaceVersion, operationNames } of interfaces) {
    const entry = document.createElement('div');
    entry.innerHTML = '<h3><span></span> <small></small></h3><ul></ul>';
    entry.querySelector('span').textContent = interfaceName;
    entry.querySelector('small').textContent = interfaceVersion;
    entry.querySelector('ul').append(
      ...operationNames.map((operation) => {
        const item = document.createElement('li');
        item.append(Object.assign(document.createElement('code'), { textContent: operation }));
        return item;
      }),
    );
    element('interfaces').append(entry);
  }
}

/** Does something, and tells where its result would be if it fails. */
const attempt = (work, place) => work().catch(({ message }) => (element(place).textContent = message));

element('count').addEventListener('click', () => attempt(countRobots, 'answer'));
await Promise.all([attempt(drawFloor, 'caption'), attempt(listInterfaces, 'interfaces')]);
