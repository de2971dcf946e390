import {
  Body,
  ClassSerializerInterceptor,
  StandardSchemaValidationPipe,
  UseInterceptors,
  UsePipes,
  ValidationPipe,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { Exclude, Expose, Type } from 'class-transformer';
import { IsInt, IsString, Min, ValidateNested } from 'class-validator';
import { RpcInterface, RpcOperation } from '@linnet/backend';
import { from } from 'rxjs';
import { z } from 'zod';
import { closeApps, definitionOf, startApp, ways } from '../../../harness/nest.harness.js';

class Position {
  @IsInt()
  x!: number;
  @IsInt()
  y!: number;
}

class Move {
  @IsString()
  robot!: string;
  @Min(1)
  @IsInt()
  steps!: number;
  @ValidateNested()
  @Type(() => Position)
  to!: Position;
}

const Obstacle = z.object({ id: z.number().int(), label: z.string().default('none') });

@RpcInterface(definitionOf('Valid', 'move', 'untyped', 'schema', 'pair'))
class ValidImpl {
  @RpcOperation()
  async move(_token: object, move: Move) {
    return { isMove: move instanceof Move, isPosition: move?.to instanceof Position, steps: move?.steps };
  }
  async untyped(_token: object, move: Move) {
    return { isMove: move instanceof Move };
  }
  @UsePipes(StandardSchemaValidationPipe)
  async schema(_token: object, @Body({ schema: Obstacle }) obstacle: z.infer<typeof Obstacle>) {
    return obstacle;
  }
  @RpcOperation()
  async pair(first: number, second: boolean) {
    return [typeof first, typeof second];
  }
}

const bytes = Uint8Array.from([1, 2, 3]);

class Floor {
  readonly plan = bytes;
  readonly layers = [{ tile: bytes }];
  @Exclude()
  readonly secret = 'hidden';
  @Expose({ name: 'shown' })
  readonly inner = 'x';
}

const floor = new Floor();

@RpcInterface(definitionOf('Bytes', 'top', 'nested', 'instance', 'stream'))
@UseInterceptors(ClassSerializerInterceptor)
class BytesImpl {
  async top() {
    return bytes;
  }
  async nested() {
    return { list: [bytes, { deep: bytes }], text: 'x' };
  }
  async instance() {
    return floor;
  }
  async stream() {
    return from([{ plan: bytes }]);
  }
}

const good = { robot: 'r1', steps: 2, to: { x: 1, y: 2 } };

afterEach(closeApps);

describe.each(Object.entries(ways))('validation, by way of %s,', (_name, way) => {
  const start = (pipe?: object) =>
    startApp({
      way,
      providers: [ValidImpl, BytesImpl, Reflector],
      configure: (app: any) => pipe && app.useGlobalPipes(pipe),
    });

  it('checks arguments by their classes, and makes them instances', async () => {
    const { call } = await start(new ValidationPipe({ transform: true }));
    const reply = await call('Valid.move', [{}, good]);
    expect(reply.json).toEqual({ isMove: true, isPosition: true, steps: 2 });
  });

  it('refuses an argument that does not fit its class, with a text and a list of details', async () => {
    const { call } = await start(new ValidationPipe({ transform: true }));
    const reply = await call('Valid.move', [{}, { ...good, steps: 0, to: { x: 'a', y: 1 } }]);
    expect(reply.status).toBe(400);
    const details = ['steps must not be less than 1', 'to.x must be an integer number'];
    expect(reply.json).toMatchObject({ name: 'BadRequestException', message: details.join(', '), details });
  });

  it('warns at start only of methods whose types are not recorded', async () => {
    const { log } = await start(new ValidationPipe());
    expect(log.find('warn', 'ValidationPipe')).toEqual([
      'ValidImpl.untyped: the ValidationPipe checks none of its arguments, as their types are not recorded. ' +
        'Put @RpcOperation() on the method, and have the compiler emit decorator metadata.',
    ]);
    await closeApps();
    expect((await start()).log.find('warn', 'ValidationPipe')).toEqual([]);
  });

  it('does not check arguments whose classes are not recorded', async () => {
    const { call } = await start(new ValidationPipe({ transform: true }));
    expect((await call('Valid.untyped', [{}, { steps: 0 }])).json).toEqual({ isMove: false });
  });

  it('checks an argument by a schema, and passes on the result of the schema', async () => {
    const { call } = await start();
    expect((await call('Valid.schema', [{}, { id: 1 }])).json).toEqual({ id: 1, label: 'none' });
    const refused = await call('Valid.schema', [{}, { id: 'one' }]);
    expect(refused.status).toBe(400);
    expect(refused.json.details).toEqual([expect.stringMatching(/^id: /)]);
  });

  it('checks by a schema under a global pipe', async () => {
    const { call } = await start(new StandardSchemaValidationPipe());
    expect((await call('Valid.schema', [{}, {}])).status).toBe(400);
    expect((await call('Valid.pair', [1, true])).json).toEqual(['number', 'boolean']);
  });

  describe('a ClassSerializerInterceptor', () => {
    it('does not change bytes', async () => {
      const { call } = await start();
      const reply = await call('Bytes.top');
      expect(reply.headers['content-type']).toBe('application/octet-stream');
      expect(Buffer.from(reply.text)).toEqual(Buffer.from(bytes));
    });

    it.each(['nested', 'stream'])('does not change bytes in plain objects (%s)', async (operation) => {
      const { call } = await start();
      const reply = await call(`Bytes.${operation}`);
      expect(reply.headers['content-type']).toContain('multipart/form-data');
      expect(reply.text).toContain('\u0001\u0002\u0003');
      expect(reply.text).not.toContain('"0":1');
    });

    it('serializes the other members of an instance', async () => {
      const { call } = await start();
      const reply = await call('Bytes.instance');
      const objects = JSON.parse(/\{.*\}/.exec(reply.text)![0]) as object;
      expect(objects).toMatchObject({ shown: 'x' });
      expect(objects).not.toHaveProperty('secret');
      expect(reply.text).not.toContain('"0":1');
      expect(reply.text.split('\u0001\u0002\u0003')).toHaveLength(3);
      expect(floor.plan).toBe(bytes);
    });
  });
});
