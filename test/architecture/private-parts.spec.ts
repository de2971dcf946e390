import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { privateUses } from './private.rules.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Places that may use private parts: of Nest, Express and Fastify, and of Node. */
const places = /^libs\/backend\/src\/(nest\/internals\/|node\/http\/node\.internals\.ts$)/;

/** Uses that only look private, each with the reason. */
const exceptions: Readonly<Record<string, string>> = {
  'libs/backend/src/rpc/rpc.decorator.ts: cast RpcInterfaceExport':
    'a function of ours gets the type of a class',
  "libs/backend/src/nest/pipeline/message.call.ts: cast ReturnType<ExecutionContextHost['switchToRpc']>":
    'a public method is overridden, and returns an object of ours',
  "libs/backend/src/nest/pipeline/message.call.ts: cast ReturnType<ExecutionContextHost['switchToWs']>":
    'a public method is overridden, and returns an object of ours',
  'libs/backend/src/nest/pipeline/ws.emission.ts: replaced method host.switchToWs': 'the object is ours',
  'libs/backend/src/ipc/handlers/session.scope.ts: replaced method contextId.getParent':
    'a public member of ContextId, which strategies for durable providers set as well',
};

const files = ['libs', 'apps'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
    .filter((name) => /\/src\/.*\.[cm]?ts$/.test(name) && !/node_modules|\.spec\.ts$|\.d\.ts$/.test(name)),
);

describe('private parts of Nest, Express, Fastify and Node', () => {
  const found = files
    .filter((file) => !places.test(file))
    .flatMap((file) =>
      privateUses(readFileSync(join(root, file), 'utf8')).map(({ kind, text }) => `${file}: ${kind} ${text}`),
    );

  it('are used only in nest/internals and in node.internals.ts', () => {
    expect(found.filter((use) => !(use in exceptions))).toEqual([]);
  });

  it('have no exception that is no longer needed', () => {
    expect(Object.keys(exceptions).filter((use) => !found.includes(use))).toEqual([]);
  });

  it('are found in nest/internals, so that the rules work', () => {
    const kinds = files
      .filter((file) => places.test(file))
      .flatMap((file) => privateUses(readFileSync(join(root, file), 'utf8')).map(({ kind }) => kind));
    expect([...new Set(kinds)].toSorted()).toEqual([
      'cast',
      'deep import',
      'hidden member',
      'replaced method',
    ]);
  });
});

describe('the rules about private parts', () => {
  const nest = "import { Injectable } from '@nestjs/common';\n";

  it.each([
    ["import { Injector } from '@nestjs/core/internal';", 'deep import', '@nestjs/core/internal'],
    [
      "import type { A } from '@nestjs/core/injector/module.js';",
      'deep import',
      '@nestjs/core/injector/module.js',
    ],
    ["const a = await import('fastify/lib/symbols.js');", 'deep import', 'fastify/lib/symbols.js'],
    ["export { A } from '@nestjs/common/internal';", 'deep import', '@nestjs/common/internal'],
    [`${nest}const a = app as unknown as { container: object };`, 'cast', '{ container: object }'],
    [`${nest}loader.load = async () => undefined;`, 'replaced method', 'loader.load'],
    [`${nest}adapter[name] = function () {};`, 'replaced method', 'adapter[name]'],
    ['route._handlesMethod();', 'hidden member', 'route._handlesMethod'],
    ['const { _httpMessage: response } = socket;', 'hidden member', '_httpMessage: response'],
  ])('report %j', (text, kind, use) => {
    expect(privateUses(text)).toEqual([{ kind, text: use }]);
  });

  it.each([
    `${nest}this.load = () => undefined;`,
    `${nest}const a = app as Application;`,
    'const a = definition as unknown as Definition;',
    'table.row = () => undefined;',
    "import { a } from '@nestjs/common';",
    "import { a } from '../nest/internals/nest.exports.js';",
  ])('accept %j', (text) => {
    expect(privateUses(text)).toEqual([]);
  });
});
