import { once } from 'node:events';
import { connect as connectSocket } from 'node:net';
import type { Socket } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { connect, createInbox, headers as newHeaders } from '@nats-io/transport-node';
import type { NatsConnection } from '@nats-io/transport-node';
import { createRpcServer } from '@linnet/backend/node';
import { createRpcClient } from '@linnet/common';
import type { BackplaneNode } from '@linnet/common';
import { natsBackplane, natsServer, natsTransport } from '@linnet/nats';
import { hasNats, startNats } from '../../harness/nats.server.js';
import type { NatsServer } from '../../harness/nats.server.js';
import { settled, until } from '../../harness/waiting.js';
import { held, holdAgain, Stock, StockImpl } from '../../nats/stock.js';

/** A head that NATS carries, and that its client cannot read. */
const HEAD = 'NATS/1.0\r\nbad key: v\r\n\r\n';

(hasNats ? describe : describe.skip)('a message over NATS that cannot be read', () => {
  let nats: NatsServer;
  let peer: NatsConnection;
  let socket: Socket;
  beforeAll(async () => {
    nats = await startNats();
    peer = await connect({ servers: nats.servers });
    socket = connectSocket(Number(new URL(nats.servers).port), '127.0.0.1');
    await once(socket, 'connect');
    socket.resume().write('CONNECT {"verbose":false,"headers":true}\r\n');
  });
  afterAll(async () => {
    socket.destroy();
    await peer.close();
    await nats.stop();
  });
  beforeEach(holdAgain);

  function sendMalformed(subject: string, body = '', reply = ''): void {
    const size = HEAD.length + body.length;
    socket.write(`HPUB ${subject} ${reply} ${HEAD.length} ${size}\r\n${HEAD}${body}\r\n`);
  }

  /** Waits until NATS has read what was sent, because it reads connections in an order of its own. */
  async function stored(): Promise<void> {
    const answered = new Promise<void>((resolve) => {
      const read = (answer: Buffer) => {
        if (!answer.includes('PONG')) return;
        socket.off('data', read);
        resolve();
      };
      socket.on('data', read);
    });
    socket.write('PING\r\n');
    await answered;
  }

  it('does not stop a server of RPC', async () => {
    const server = createRpcServer({ interfaces: [[Stock, StockImpl]], report: () => undefined });
    await server.listen(natsServer({ servers: nats.servers, service: 'stock' }));
    const transport = natsTransport({ servers: nats.servers, service: 'stock' });
    const stock = createRpcClient({ transport }).client(Stock);
    const reply = createInbox();
    const address = new Promise<string>((resolve) =>
      peer.subscribe(reply, { callback: (_error, { reply: to }) => void (to && resolve(to)) }),
    );
    const headers = newHeaders();
    headers.set('Linnet-Target', '/linnet/v1.0/Stock-1.2.0-hold');
    headers.set('X-Correlation-Id', '1');
    headers.set('Content-Type', 'text/plain');
    peer.publish('linnet.rpc.stock', '[]', { reply, headers });
    sendMalformed(await address);
    sendMalformed('linnet.rpc.stock', '[]', createInbox());
    await settled();
    expect(await stock.take('nuts', 1)).toBe('1 nuts');
    held.release.open();
    await transport.close();
    await server.close(0);
  });

  it('fails the call that it answers, and no other one', async () => {
    const served = peer.subscribe('linnet.rpc.odd', {
      callback: (_error, { reply }) => sendMalformed(reply!),
    });
    await peer.flush();
    const transport = natsTransport({ servers: nats.servers, service: 'odd' });
    const stock = createRpcClient({ transport, retry: { limit: 0 } }).client(Stock);
    for (let i = 0; i < 2; i++) await expect(stock.take('nuts', 1)).rejects.toThrow('header name');
    served.unsubscribe();
    await transport.close();
  });

  describe('sent to the nodes of a backplane', () => {
    const received: string[] = [];
    let nodes: BackplaneNode[];
    const text = (content: string) => new TextEncoder().encode(content);
    const token = (name: string) => `x${Buffer.from(name).toString('base64url')}`;

    beforeEach(async () => {
      received.length = 0;
      const join = (id: string) =>
        natsBackplane({ servers: nats.servers }).join(id, {
          frame: (_topic, frame) => received.push(new TextDecoder().decode(frame)),
          restored: () => received.push('restored'),
        });
      nodes = [join('sender'), join('reader')];
      await nodes[1]!.subscribe('topic');
    });
    const leave = () => Promise.all(nodes.map((node) => node.leave()));

    it('does not hide what follows it in a topic', async () => {
      for (const body of ['odd', '']) sendMalformed(`linnet.backplane.linnet.kept.${token('topic')}`, body);
      sendMalformed(`linnet.backplane.linnet.numbered.${token('topic')}`);
      await stored();
      await nodes[0]!.publish('topic', text('later'));
      await until(() => received.includes('later'));
      expect(received).toEqual(['odd', '', 'later']);
      await leave();
    });

    it('does not stop a node, which answers over inboxes only', async () => {
      const answers: string[] = [];
      const other = peer.subscribe('other.>', {
        callback: (_error, { subject }) => void answers.push(subject),
      });
      await peer.flush();
      const subject = `linnet.backplane.linnet.node.${token('reader')}`;
      sendMalformed(subject, '', createInbox());
      peer.publish(subject, 'x', { reply: 'other.place' });
      await peer.flush();
      await nodes[0]!.send('reader', text('later'));
      await settled();
      expect([received.at(-1), answers]).toEqual(['later', []]);
      other.unsubscribe();
      await leave();
    });
  });
});
