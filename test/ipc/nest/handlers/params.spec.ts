import {
  Body,
  ClassSerializerInterceptor,
  createParamDecorator,
  Headers,
  Ip,
  ParseIntPipe,
  Res,
  StandardSchemaValidationPipe,
  UseInterceptors,
  UsePipes,
  ValidationPipe,
} from '@nestjs/common';
import type { ExecutionContext, PipeTransform } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ConnectedSocket, MessageBody } from '@nestjs/websockets';
import {
  CallContext,
  ClientRequestContext,
  CurrentActivity,
  CurrentSession,
  IpcChannel,
  IpcMethod,
  IpcSession,
} from '@linnet/backend';
import type { Activity } from '@linnet/backend';
import { Type } from 'class-transformer';
import { IsInt, IsString, Min, ValidateNested } from 'class-validator';
import { z } from 'zod';
import { closeIpcApps, startIpcApp } from '../../../harness/ipc.harness.js';

const Operation = createParamDecorator((suffix: string | undefined, context: ExecutionContext) => {
  return CallContext.from(context)!.operation + (suffix ?? '');
});

class Shouting implements PipeTransform {
  transform(value: unknown, metadata: { type: string }) {
    return `${String(value)}!${metadata.type}`;
  }
}

class Doubling implements PipeTransform {
  transform(value: unknown) {
    return typeof value === 'number' ? value * 2 : value;
  }
}

@IpcChannel('params')
class ParamsHandler {
  async activity(first: unknown, second: unknown, @CurrentActivity() activity?: Activity) {
    const current = activity === ClientRequestContext.current;
    return { first, second: second === undefined ? 'missing' : second, method: activity?.rpcMethod, current };
  }
  async session(@CurrentSession() session: IpcSession) {
    return [session instanceof IpcSession, session.id];
  }
  async custom(value: number, @Operation('?') plain: string, @Operation('?', Shouting) piped: string) {
    return [value, plain, piped];
  }
  async nests(@MessageBody() value: string, @ConnectedSocket() session: IpcSession) {
    return [value, session instanceof IpcSession];
  }
  async handshake(@Headers('X-Robot') robot: string) {
    return robot;
  }
  async response(@Res() response: unknown) {
    return response;
  }
  async address(@Ip() ip: unknown) {
    return ip ?? 'none';
  }
  async variadic(...values: unknown[]) {
    return values;
  }
  async variadicPiped(@Body(Doubling) first: number, ...values: unknown[]) {
    return [first, ...values];
  }
  async second(first: unknown, @Body(ParseIntPipe) second: number) {
    return [first, second];
  }
  @IpcMethod()
  async plain(first: unknown, second?: unknown) {
    return [first, second];
  }
}
// One decorated method would hide the others.
for (const name of Object.getOwnPropertyNames(ParamsHandler.prototype)) {
  const descriptor = Object.getOwnPropertyDescriptor(ParamsHandler.prototype, name)!;
  if (name !== 'constructor') IpcMethod()(ParamsHandler.prototype as object, name, descriptor);
}

class Position {
  @IsInt()
  x!: number;
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

@IpcChannel('valid')
class ValidHandler {
  @IpcMethod()
  async move(move: Move) {
    return { isMove: move instanceof Move, isPosition: move?.to instanceof Position, steps: move?.steps };
  }
  @IpcMethod()
  @UsePipes(StandardSchemaValidationPipe)
  async schema(@Body({ schema: Obstacle }) obstacle: z.infer<typeof Obstacle>) {
    return obstacle;
  }
  @IpcMethod()
  async pair(first: number, second: boolean) {
    return [typeof first, typeof second];
  }
}

@IpcChannel('untyped')
class UntypedHandler {
  async move(move: Move) {
    return move instanceof Move;
  }
}

const good = { robot: 'r1', steps: 2, to: { x: 1 } };

afterEach(closeIpcApps);

describe('the parameters of an IPC handler', () => {
  const start = async (pipe?: object) => {
    const { connect } = await startIpcApp({
      providers: [ParamsHandler],
      configure: (app: any) => pipe && app.useGlobalPipes(pipe),
    });
    return connect({ headers: { 'X-Robot': 'r7' } });
  };

  it('are filled at their position if arguments before them are missing', async () => {
    const { ask } = await start();
    const expected = { second: 'missing', method: 'params.activity', current: true };
    expect(await ask('params.activity')).toEqual({ result: expected });
    expect(await ask('params.activity', 1)).toEqual({ result: { ...expected, first: 1 } });
    expect(await ask('params.activity', 1, null)).toMatchObject({ result: { first: 1, second: null } });
  });

  it.each([[[1, 2, { activityId: 'forged' }]], [[1, 2, 3, 4]], [[1, 2, null]]])(
    'are not taken from the frontend if they are decorated: the arguments %j are too many',
    async (args) => {
      const { fail } = await start();
      expect(await fail('params.activity', ...args)).toMatchObject({
        errorNumber: 32768,
        message: `Invalid request: ${args.length} arguments, but activity takes at most 2.`,
      });
    },
  );

  it('can come from decorators of the application, with their pipes', async () => {
    const { ask } = await start();
    expect(await ask('params.custom', 1)).toEqual({ result: [1, 'custom?', 'custom?!custom'] });
  });

  it('can be the session, its headers, its address and the arguments of gateways', async () => {
    const { ask } = await start();
    expect(await ask('params.session')).toEqual({ result: [true, expect.stringMatching(/^[-0-9a-f]{36}$/)] });
    expect(await ask('params.handshake')).toEqual({ result: 'r7' });
    expect(await ask('params.address')).toEqual({ result: '127.0.0.1' });
    expect(await ask('params.nests', 'x')).toEqual({ result: ['x', true] });
  });

  it('cannot be an HTTP response', async () => {
    const { fail } = await start();
    expect((await fail('params.response')).message).toBe(
      'A parameter of the method is for calls over HTTP, and the call came over IPC.',
    );
  });

  it('pass through global pipes', async () => {
    const { ask } = await start(new Shouting());
    expect(await ask('params.custom', 1)).toEqual({
      result: ['1!body', 'custom?!custom', 'custom?!custom!custom'],
    });
    expect(await ask('params.plain', 'a')).toEqual({ result: ['a!body', 'undefined!body'] });
  });

  it('are all kept if a rest parameter declares any number', async () => {
    const plain = await start();
    expect(await plain.ask('params.variadic', 1, 2, 3, 4)).toEqual({ result: [1, 2, 3, 4] });
    expect(await plain.ask('params.variadicPiped', 1, 2, 3)).toEqual({ result: [2, 2, 3] });
    const piped = await start(new Doubling());
    expect(await piped.ask('params.variadic', 1, 2, 'x')).toEqual({ result: [2, 4, 'x'] });
  });

  it('can have their own pipes', async () => {
    const { ask, fail } = await start();
    expect(await ask('params.second', '1', '2')).toEqual({ result: ['1', 2] });
    expect(await fail('params.second', '1', 'two')).toMatchObject({
      name: 'BadRequestException',
      message: 'Validation failed (numeric string is expected)',
    });
  });
});

describe('the validation of arguments over IPC', () => {
  const start = async (pipe?: object) => {
    const { connect } = await startIpcApp({
      providers: [ValidHandler, UntypedHandler],
      configure: (app: any) => pipe && app.useGlobalPipes(pipe),
    });
    return connect();
  };

  it('checks arguments by their classes, and makes them instances', async () => {
    const { ask } = await start(new ValidationPipe({ transform: true }));
    expect(await ask('valid.move', good)).toEqual({ result: { isMove: true, isPosition: true, steps: 2 } });
    expect(await ask('valid.pair', 1, true)).toEqual({ result: ['number', 'boolean'] });
  });

  it('rejects an invalid argument with a message and a list of details', async () => {
    const { fail } = await start(new ValidationPipe({ transform: true }));
    const details = ['steps must not be less than 1', 'to.x must be an integer number'];
    expect(await fail('valid.move', { ...good, steps: 0, to: { x: 'a' } })).toMatchObject({
      name: 'BadRequestException',
      message: details.join(', '),
      details,
    });
  });

  it('does not change the values of decorated parameters', async () => {
    const { connect } = await startIpcApp({
      providers: [ParamsHandler],
      configure: (app: any) => app.useGlobalPipes(new ValidationPipe({ transform: true })),
    });
    const { result } = await (await connect()).ask('params.session');
    expect(result).toEqual([true, expect.stringMatching(/^[\da-f-]{36}$/)]);
  });

  it('warns at start about methods whose types are not recorded, and about no others', async () => {
    const { log } = await startIpcApp({
      providers: [ValidHandler, UntypedHandler],
      configure: (app: any) => app.useGlobalPipes(new ValidationPipe()),
    });
    expect(log.find('warn', 'ValidationPipe')).toEqual([
      expect.stringMatching(/^UntypedHandler.move: .* Put @IpcMethod\(\) on the method/),
    ]);
  });

  it('does not know the classes of a method that has no decorator', async () => {
    const { ask } = await start(new ValidationPipe({ transform: true }));
    expect(await ask('untyped.move', { steps: 0 })).toEqual({ result: false });
  });

  it('checks an argument by a schema, and passes on the output of the schema', async () => {
    const { ask, fail } = await start();
    expect(await ask('valid.schema', { id: 1 })).toEqual({ result: { id: 1, label: 'none' } });
    expect((await fail('valid.schema', { id: 'one' })).details).toEqual([expect.stringMatching(/^id: /)]);
  });

  it('leaves bytes as they are if an interceptor serializes results', async () => {
    @IpcChannel('bytes')
    @UseInterceptors(ClassSerializerInterceptor)
    class BytesHandler {
      async all() {
        return { plan: Uint8Array.of(1, 2, 3), layers: [{ tile: Buffer.of(4) }] };
      }
    }
    const { connect } = await startIpcApp({ providers: [BytesHandler, Reflector] });
    const { result } = await (await connect()).ask('bytes.all');
    expect(result).toEqual({ plan: Uint8Array.of(1, 2, 3), layers: [{ tile: Uint8Array.of(4) }] });
  });
});
