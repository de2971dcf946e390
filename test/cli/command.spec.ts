import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { run } from '@linnet/cli';

let folder: string;
let out: string;
let err: string;

// In the repository, so that definitions find the library.
beforeEach(() => {
  folder = mkdtempSync(join(import.meta.dirname, 'project-'));
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(project));
});
afterEach(() => rmSync(folder, { recursive: true }));

const project = {
  compilerOptions: { strict: true, module: 'NodeNext', target: 'ES2022', types: [] },
  include: ['*.ts'],
};

const write = (text: string, file = 'robots.ts') => writeFileSync(join(folder, file), text);
const read = (file: string) => readFileSync(join(folder, file), 'utf8');
const definition = (members: string, version = '1.0.0') => `
export abstract class Robots {
  static readonly interfaceName = 'Robots';
  static interfaceVersion = '${version}';
  ${members}
}`;

function linnet(args: string, hasColours = false) {
  out = '';
  err = '';
  return run(args.split(' '), {
    cwd: folder,
    out: (text) => (out += text),
    err: (text) => (err += text),
    hasColours,
  });
}

describe('linnet contract', () => {
  it('writes the contract of the project to the standard output, or to a file', async () => {
    write(definition('abstract count(): Promise<number>;'));
    expect(await linnet('contract')).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ interfaces: { Robots: { operations: { count: {} } } } });
    const written = out;
    expect(await linnet('contract robots.ts --out contract.json')).toBe(0);
    expect(read('contract.json')).toBe(written);
    expect([out, err]).toEqual(['', 'written contract.json\n']);
  });

  it.each([
    [
      'a value that cannot be sent',
      'abstract a(m: Map<string, number>): Promise<void>;',
      5,
      /Map<string, number> cannot be sent/,
    ],
    ['several signatures', 'a(): Promise<void>;\n  a(n: number): Promise<void>;', 5, /several signatures/],
    ['a bigint', 'abstract a(): Promise<{\n n: bigint }>;', 6, /bigint cannot be sent/],
    ['a syntax error', 'abstract a(', 6, /expected/],
  ])('reports %s with file and line', async (_what, members, line, text) => {
    write(definition(members));
    expect(await linnet('contract')).toBe(2);
    expect(err).toMatch(new RegExp(`^robots\\.ts:${line}:\\d+ - error: `));
    expect(err).toMatch(text);
    await linnet('contract --json');
    expect(JSON.parse(out)).toMatchObject({ error: { file: 'robots.ts', line } });
    expect(err).toBe('');
  });

  it('reports a type without an end with file and line, and no type that is only deep or recursive', async () => {
    const types = 'interface Deep<X> { value: X; next?: Deep<X[]> }\ninterface Tree { kids: Tree[] }';
    write(`${definition('abstract a(deep: Deep<number>): Promise<void>;')}\n${types}`);
    expect(await linnet('contract')).toBe(2);
    expect(err).toMatch(/^robots\.ts:\d+:\d+ - error: The type has no end/);
    const lists = '[]'.repeat(100);
    write(`${definition(`abstract a(tree: Tree, lists: number${lists}): Promise<void>;`)}\n${types}`);
    expect(await linnet('contract')).toBe(0);
  });

  it('reports a version that is not a literal, and an interface that is defined twice', async () => {
    write(definition('', "' + process.version + '"));
    expect(await linnet('contract')).toBe(2);
    expect(err).toContain('The interfaceVersion of Robots cannot be read');
    write(definition(''));
    write(definition(''), 'other.ts');
    expect(await linnet('contract')).toBe(2);
    expect(err).toContain('"Robots" is defined twice');
  });

  it('ignores implementations, which inherit the name', async () => {
    write(`${definition('abstract a(): Promise<void>;')}
export class Impl extends Robots { async a() {} async b() {} }`);
    expect(await linnet('contract')).toBe(0);
    expect(Object.keys(JSON.parse(out).interfaces.Robots.operations)).toEqual(['a']);
  });

  it('reads the operations of base definitions as well', async () => {
    write(`export abstract class Base { abstract a(): Promise<void>; }
export abstract class Robots extends Base {
  static readonly interfaceName = 'Robots';
  static interfaceVersion = '1.0.0';
  abstract b(): Promise<void>;
}`);
    expect(await linnet('contract')).toBe(0);
    expect(Object.keys(JSON.parse(out).interfaces.Robots.operations).toSorted()).toEqual(['a', 'b']);
  });

  it('has the errors of operations that rpcOperations declares', async () => {
    write(
      definition(`static readonly operations = rpcOperations<Robots>()({ a: { idempotency: 'safe', errors: { Full: left } } });
  abstract a(): Promise<void>;`).replace(
        'export',
        `import { rpcOperations } from '@linnet/common';
declare const left: { '~standard': { types?: { input: unknown; output: { left: number } } } };
export`,
      ),
    );
    expect(await linnet('contract')).toBe(0);
    const { a } = JSON.parse(out).interfaces.Robots.operations;
    expect(a.policy).toEqual({ idempotency: 'safe' });
    expect(a.errors).toEqual({
      Full: { type: 'object', properties: { left: { type: 'number' } }, required: ['left'] },
    });
  });

  it('writes a member called __proto__ as a member', async () => {
    write(definition("abstract a(p: { ['__proto__']: string }): Promise<void>;"));
    expect(await linnet('contract')).toBe(0);
    expect(out).toContain('"__proto__": {');
    expect(await linnet('lock')).toBe(0);
    expect(await linnet('check')).toBe(0);
  });
});

describe('linnet lock and linnet check', () => {
  it('find no difference in what was locked', async () => {
    write(definition('abstract b(): Promise<number>;\n  abstract a(): Promise<void>;'));
    expect(await linnet('lock')).toBe(0);
    expect(await linnet('check')).toBe(0);
    expect(out).toBe('The definitions have the shape of the lock.\n');
  });

  it('write the same lock for another order and other documentation', async () => {
    write(
      definition('/** A. */ abstract a(p: { x: 1; y?: 2 }): Promise<void>;\n  abstract b(): Promise<void>;'),
    );
    await linnet('lock');
    const lock = read('linnet.lock.json');
    write(definition('abstract b(): Promise<void>;\n  abstract a(p: { y?: 2; x: 1 }): Promise<void>;'));
    await linnet('lock --lock other.json');
    expect(read('other.json')).toBe(lock);
  });

  it('refuse a change that the version does not allow, and accept it with the version', async () => {
    write(definition('abstract a(): Promise<number>;'));
    await linnet('lock');
    const lock = read('linnet.lock.json');
    write(definition('abstract a(): Promise<string>;', '1.9.9'));
    expect(await linnet('check')).toBe(1);
    expect(out).toContain('interface Robots 1.0.0 → 1.9.9');
    expect(out).toContain(
      'major  Robots.a: the result was number and is string (breaks old clients and old servers)',
    );
    expect(out).toContain('interfaceVersion is 1.9.9: these changes need 2.0.0 or later.');
    expect(await linnet('lock')).toBe(1);
    expect(read('linnet.lock.json')).toBe(lock);
    write(definition('abstract a(): Promise<string>;', '2.0.0'));
    expect(await linnet('check')).toBe(1);
    expect(out).toContain('The versions allow these changes: run linnet lock.');
    expect(await linnet('lock')).toBe(0);
    expect(await linnet('check')).toBe(0);
  });

  it('report a version that goes back, and a version alone', async () => {
    write(definition('', '1.2.0'));
    await linnet('lock');
    write(definition('', '1.3.0'));
    expect(await linnet('check')).toBe(1);
    expect(out).toContain('run linnet lock');
    write(definition('', '1.1.0'));
    expect(await linnet('lock')).toBe(1);
    expect(out).toContain('interfaceVersion 1.1.0 is earlier than the locked 1.2.0.');
  });

  it('report interfaces that were added and removed, and lock them', async () => {
    write(definition(''));
    await linnet('lock');
    write(definition('').replaceAll('Robots', 'Drones'));
    expect(await linnet('check')).toBe(1);
    expect(out).toContain('Drones: the interface was added (breaks old servers)');
    expect(out).toContain('Robots: the interface was removed (breaks old clients)');
    expect(await linnet('lock')).toBe(0);
  });

  it('write verdicts for programs with --json', async () => {
    write(definition('abstract a(n: number): Promise<void>;', '0.1.0'));
    await linnet('lock');
    write(definition('abstract a(): Promise<void>;', '0.1.1'));
    expect(await linnet('check --json')).toBe(1);
    expect(JSON.parse(out)).toEqual({
      isSame: false,
      isAllowed: false,
      verdicts: [
        {
          kind: 'interface',
          name: 'Robots',
          level: 'major',
          version: { locked: '0.1.0', current: '0.1.1' },
          remedy: 'interfaceVersion is 0.1.1: these changes need 0.2.0 or later.',
          changes: [
            {
              where: 'Robots.a(n)',
              text: 'the parameter was removed: number',
              breaks: ['old clients', 'old servers'],
              level: 'major',
            },
          ],
        },
      ],
    });
  });

  it('demand another name of a channel that breaks old frontends', async () => {
    // A stand-in for the library, which takes seconds to compile.
    const channel = (functions: string) => `
interface IpcChannelDefinition<F, N> { name: string; types?: [F, N] }
declare function ipcChannel<F, N = object>(name: string): IpcChannelDefinition<F, N>;
export const floor = ipcChannel<{ ${functions} }>('floor-v1');`;
    write(channel('a(): Promise<number>'));
    await linnet('lock');
    write(channel('a(): Promise<number>; b(): Promise<void>'));
    expect(await linnet('lock')).toBe(0);
    write(channel('a(): Promise<string>; b(): Promise<void>'));
    expect(await linnet('lock')).toBe(1);
    expect(out).toContain('The name of the channel is its version: give it a new one.');
  });

  it.each(['{}', '[]', 'null', '{', '{"linnetContract":2,"interfaces":{},"channels":{},"$defs":{}}'])(
    'refuse a lock with the content %s',
    async (text) => {
      write(definition(''));
      write(text, 'linnet.lock.json');
      expect(await linnet('check')).toBe(2);
      expect(err).toMatch(/^linnet\.lock\.json - error: /);
    },
  );

  it('check 200 operations in 50 interfaces within 5 seconds', async () => {
    const members = (type: string) =>
      ['a', 'b', 'c', 'd'].map((name) => `abstract ${name}(p: ${type}): Promise<${type}>;`).join('\n  ');
    const all = (type: string) =>
      Array.from({ length: 50 }, (_, i) => definition(members(type)).replaceAll('Robots', `Robots${i}`)).join(
        '\n',
      );
    write(all('{ x: number; y?: string[] }'));
    expect(await linnet('lock')).toBe(0);
    write(all('{ x: string; y?: string[] }'));
    // Seconds of the processor, because others use it as well.
    const before = process.cpuUsage();
    expect(await linnet('check --json')).toBe(1);
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1e6).toBeLessThan(5);
    const { verdicts } = JSON.parse(out) as { verdicts: { changes: unknown[] }[] };
    expect(verdicts.flatMap(({ changes }) => changes)).toHaveLength(400);
  });
});

describe('the command linnet', () => {
  it('shows all commands, and the options of one', async () => {
    expect(await linnet('--help')).toBe(0);
    expect(out).toMatch(/contract[^]*lock[^]*check/);
    expect(await linnet('check --help')).toBe(0);
    expect(out).toContain('--lock FILE');
    expect(out).not.toContain('--out');
  });

  it.each([
    ['no such command', 'deploy', 'linnet has no command "deploy"'],
    ['a name that every object has', 'constructor', 'linnet has no command "constructor"'],
    ['no such option', 'check --loud', "Unknown option '--loud'"],
    ['an option of another command', 'check --out x', 'linnet check has no option --out'],
    ['no such file', 'contract nowhere.ts', 'nowhere.ts - error: The file does not exist.'],
    ['no such project', 'contract -p nowhere.json', 'nowhere.json - error: The project does not exist.'],
    ['no lock', 'check', 'linnet.lock.json - error: The lock does not exist'],
    ['no definition', 'contract empty.ts', 'No definition is exported'],
  ])('exits with 2 for %s', async (_what, args, text) => {
    write('export {};', 'empty.ts');
    expect(await linnet(args)).toBe(2);
    expect(err).toContain(text);
    expect(err).not.toContain('\u001B');
  });

  it('uses colours only where the terminal shows them', async () => {
    await linnet('deploy', true);
    expect(err).toContain('\u001B[31merror:\u001B[0m');
  });
});
