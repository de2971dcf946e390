// Calls the server with nothing but `fetch`: an RPC request is a POST of the list of arguments as JSON.
const token = { iTwinId: 'demo', iModelId: 'warehouse' };
const readInterface = 'RobotWorldReadRpcInterface-1.0.0';
/** Edge of a cell, in metres. */
const resolution = 0.25;
const element = (id) => document.getElementById(id);

async function call(operation, ...args) {
  const response = await fetch(operation, {
    method: 'POST',
    headers: { 'Content-Type': 'text/plain', 'X-Correlation-ID': crypto.randomUUID() },
    body: JSON.stringify(args),
  });
  if (!response.ok) throw new Error((await response.json()).message);
  const isBinary = response.headers.get('Content-Type') === 'application/octet-stream';
  return isBinary ? new Uint8Array(await response.arrayBuffer()) : response.json();
}

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
  const paint = () => paintCells(canvas, cells);
  paint();
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', paint);
  element('caption').replaceChildren(
    `${width} m × ${depth} m, ${cells.length.toLocaleString()} bytes:`,
    swatch('--obstacle'),
    'obstacle',
    swatch('--robot'),
    'robot',
  );
}

/** One byte for each cell, row by row from the north-west: 0 free, 1 obstacle, 2 robot. */
function paintCells(canvas, cells) {
  const context = canvas.getContext('2d');
  const colours = ['--free', '--obstacle', '--robot'].map((name) => pixel(context, name));
  const image = context.createImageData(canvas.width, canvas.height);
  cells.forEach((cell, index) => image.data.set(colours[cell], index * 4));
  context.putImageData(image, 0, 0);
}

/** Red, green, blue and opacity of a colour of the style sheet, as it is now. */
function pixel(context, name) {
  const probe = swatch(name);
  document.body.append(probe);
  context.fillStyle = getComputedStyle(probe).backgroundColor;
  probe.remove();
  context.fillRect(0, 0, 1, 1);
  return context.getImageData(0, 0, 1, 1).data;
}

function swatch(name) {
  const mark = document.createElement('i');
  mark.style.background = `var(${name})`;
  return mark;
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
