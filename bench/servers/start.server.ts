// An application with 200 operations, which reports when it listens. Arguments: `contract` to serve documents of the contract in
// the file that follows, `page` to serve the page as well.
import 'reflect-metadata';
import { readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { performance } from 'node:perf_hooks';
import { Module } from '@nestjs/common';
import type { Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { RpcInterface, RpcModule } from '@linnet/backend';
import { LinnetExpressAdapter } from '@linnet/backend/express';
import type { Contract } from '@linnet/common/contract';

const INTERFACES = 10;
const OPERATIONS = 20;

const [documents, file] = process.argv.slice(2);

/** An interface with its implementation, as a decorator makes one. */
function implementation(index: number): Type {
  class Definition {
    static readonly interfaceName = `Start${index}`;
    static readonly interfaceVersion = '1.0.0';
  }
  class Implementation {}
  for (let i = 0; i < OPERATIONS; i++)
    for (const { prototype } of [Definition, Implementation])
      Object.defineProperty(prototype, `op${i}`, { value: async (id: string) => ({ id }), writable: true });
  RpcInterface(Definition as never)(Implementation);
  return Implementation;
}

const readContract = () => JSON.parse(readFileSync(file!, 'utf8')) as Contract;
const docs = documents
  ? { contract: readContract(), ...(documents === 'page' && { path: '/docs' }) }
  : undefined;

@Module({
  imports: [RpcModule.forRoot({ ...(docs && { docs }) })],
  providers: Array.from({ length: INTERFACES }, (_, index) => implementation(index)),
})
class StartModule {}

const app = await NestFactory.create(StartModule, new LinnetExpressAdapter(), { logger: ['error', 'warn'] });
await app.listen(0, '127.0.0.1');
const listening = performance.now();
const { user, system } = process.cpuUsage();
const { port } = (app.getHttpServer() as Server).address() as AddressInfo;
const path = documents === 'page' ? '/docs/openapi.json' : '/v3/openapi.json';
const response = documents ? await fetch(`http://127.0.0.1:${port}${path}`) : undefined;
const paths = response && Object.keys(((await response.json()) as { paths: object }).paths).length;
await app.close();
process.send!({ listening, cpu: (user + system) / 1000, paths });
process.disconnect();
