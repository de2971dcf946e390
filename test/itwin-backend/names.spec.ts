import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { readGuide, root } from '../docs/guide.js';
import { ownNames, publicNames } from './itwin.names.js';
import { folder, missing } from './packages.js';

// The tables of docs/from-itwin.md against the type declarations of the packages: each public name, and each member of a
// class that Linnet has under the same name, is there, or in a table. Names that are marked as internal count where the
// tables have them: applications use them all the same.

const entries = [
  'libs/common/src/index.ts',
  'libs/frontend/src/index.ts',
  'libs/backend/src/index.ts',
  'libs/backend/src/node/index.ts',
  'libs/electron/src/main/index.ts',
  'libs/electron/src/renderer/index.ts',
];
const here = ['core-common', 'core-frontend'].map(
  (name) => [name, join(root, 'node_modules/@itwin', name)] as const,
);
const installed = ['core-backend', 'core-electron'].map(
  (name) => [name, join(folder, 'node_modules/@itwin', name)] as const,
);
const packages = missing ? here : [...here, ...installed];

const { text } = readGuide('docs/from-itwin.md');
const rows = [...text.matchAll(/^\| (.*?) \| (.*?) \| (.*?) ?\|$/gm)].map(([, theirs, ours]) => ({
  theirs: [...theirs!.matchAll(/`([\w.]+)/g)].map(([, name]) => name!),
  ours: [...ours!.matchAll(/`([\w.]+)/g)].map(([, name]) => name!),
}));
const named = new Set(rows.flatMap(({ theirs }) => theirs));

describe('the tables of docs/from-itwin.md', () => {
  let own: ReadonlyMap<string, ReadonlySet<string>>;
  beforeAll(() => {
    own = ownNames(entries);
  }, 120_000);

  it.each(packages)('name each public export of %s for RPC and IPC', (name, at) => {
    const names = publicNames(name, at).map((each) => each.name);
    expect(names.length).toBeGreaterThan(5);
    expect(names.filter((each) => !named.has(each))).toEqual([]);
  });

  it.each(packages)('name each member of %s that the class of the same name in Linnet lacks', (name, at) => {
    const lacking = publicNames(name, at, named).flatMap((each) => {
      const row = rows.find(({ theirs }) => theirs.includes(each.name));
      const known = row && !row.ours.includes(each.name) ? undefined : own.get(each.name);
      const missed = known ? each.members.filter((member) => !known.has(member)) : [];
      return missed.map((member) => `${each.name}.${member}`);
    });
    expect(lacking.filter((each) => !named.has(each))).toEqual([]);
  });

  it('name no member that iTwin.js does not have', () => {
    const declared = packages.flatMap(([name, at]) => publicNames(name, at, named));
    const theirs = new Set(
      declared.flatMap(({ name, members }) => members.map((member) => `${name}.${member}`)),
    );
    // Applications use these although they are marked as internal.
    const internal = ['configurationSupplier', 'configuration', 'routing']
      .map((member) => `RpcInterface.${member}`)
      .concat('RpcInvocation.current');
    const members = [...named].filter((each) => each.includes('.'));
    const known = declared.map(({ name }) => name);
    const told = members.filter((each) => known.includes(each.split('.')[0]!) || !missing);
    expect(told.filter((each) => !theirs.has(each) && !internal.includes(each))).toEqual([]);
  });

  it('name no member as lacking that Linnet has', () => {
    const lacking = rows.filter(({ ours }) => ours.length === 0).flatMap(({ theirs }) => theirs);
    const there = lacking.filter((each) => {
      const [name, member] = each.split('.') as [string, string | undefined];
      return member !== undefined && own.get(name)?.has(member);
    });
    expect(there).toEqual([]);
  });

  it('name only members of Linnet that exist', () => {
    const said = rows.flatMap(({ ours }) => ours).filter((each) => /^\w+\.\w+$/.test(each));
    const absent = said.filter((each) => {
      const [name, member] = each.split('.') as [string, string];
      return !own.get(name)?.has(member);
    });
    expect(absent).toEqual([]);
  });
});
