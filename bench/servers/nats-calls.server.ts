// RPC over NATS, and bare requests and replies beside it. Arguments: `linnet` or `raw`, and `serve` or `call`.
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { connect } from '@nats-io/transport-node';
import { RpcInterface, RpcModule } from '@linnet/backend';
import { createRpcClient } from '@linnet/common';
import { natsServer, natsTransport } from '@linnet/nats';
import { BenchRpc } from './bench.interface.js';
import { reportToParent } from './parent.js';

/** Calls that wait for their answers. */
const OUTSTANDING = 64;

const [system, role] = process.argv.slice(2);
const servers = process.env['NATS_URL']!;
const service = 'bench';

type Add = (a: number, b: number) => Promise<number>;

const roles: Record<string, () => Promise<Add | undefined>> = {
  async 'linnet serve'() {
    @RpcInterface(BenchRpc, { partial: true })
    class BenchImplementation {
      async add(a: number, b: number) {
        return a + b;
      }
    }
    const nats = natsServer({ servers, service });
    @Module({ imports: [RpcModule.forRoot({ nats })], providers: [BenchImplementation] })
    class BenchModule {}
    await NestFactory.createApplicationContext(BenchModule, { logger: false });
    return undefined;
  },

  async 'linnet call'() {
    const client = createRpcClient({ transport: natsTransport({ servers, service }) }).client(BenchRpc);
    return (a, b) => client.add(a, b);
  },

  async 'raw serve'() {
    const connection = await connect({ servers });
    connection.subscribe(service, {
      queue: service,
      callback(_error, message) {
        const [a, b] = message.json<[number, number]>();
        message.respond(JSON.stringify({ result: a + b }));
      },
    });
    await connection.flush();
    return undefined;
  },

  async 'raw call'() {
    const connection = await connect({ servers });
    return async (a, b) => {
      const reply = await connection.request(service, JSON.stringify([a, b]), { timeout: 60_000 });
      return reply.json<{ result: number }>().result;
    };
  },
};

const add = await roles[`${system} ${role}`]!();

reportToParent(0, async ({ count }) => {
  let left = count;
  const call = async () => {
    while (left-- > 0) if ((await add!(40, 2)) !== 42) throw new Error('The answer is wrong.');
  };
  await Promise.all(Array.from({ length: OUTSTANDING }, call));
});
