import { RpcInterface, RpcOperation } from '@linnet/common';
import type { HttpReply, HttpRequest, HttpSend } from '@linnet/common';

/** An interface for tests that need no server. */
export abstract class Robots extends RpcInterface {
  static readonly interfaceName: string = 'Robots';
  static readonly interfaceVersion: string = '1.2.0';
  count(..._arguments: unknown[]): Promise<unknown> {
    return this.forward(arguments);
  }
  @RpcOperation({ idempotency: 'safe' })
  look(..._arguments: unknown[]): Promise<unknown> {
    return this.forward(arguments);
  }
  @RpcOperation({ idempotency: 'idempotent' })
  place(..._arguments: unknown[]): Promise<unknown> {
    return this.forward(arguments);
  }
  @RpcOperation({ allowResponseCaching: true })
  plan(..._arguments: unknown[]): Promise<unknown> {
    return this.forward(arguments);
  }
}

/** Another one. */
export abstract class Maps {
  static readonly interfaceName = 'Maps';
  static readonly interfaceVersion = '2.0.0';
  static readonly operations = ['find'] as const;
  abstract find(name: string): Promise<string>;
}

/** An answer of a script. */
export interface ScriptedReply {
  readonly status?: number;
  readonly body?: string | Uint8Array;
  /** By lower-case name. */
  readonly headers?: Record<string, string>;
}

/** Answers requests in turn, the last answer for ever; an error is thrown, as by a network that fails. */
export class ScriptedServer {
  readonly requests: HttpRequest[] = [];
  readonly #replies: (ScriptedReply | Error)[];

  constructor(...replies: (ScriptedReply | Error)[]) {
    this.#replies = replies;
  }

  readonly send: HttpSend = async (request) => {
    this.requests.push(request);
    const reply = this.#replies.length > 1 ? this.#replies.shift()! : this.#replies[0]!;
    if (reply instanceof Error) throw reply;
    return replyOf(reply);
  };
}

function replyOf({ status = 200, body = '', headers = {} }: ScriptedReply): HttpReply {
  const all: Record<string, string> = {
    'x-protocol-version': '2',
    'content-type': 'text/plain; charset=utf-8',
    ...headers,
  };
  return {
    status,
    header: (name) => all[name.toLowerCase()] ?? null,
    body: typeof body === 'string' ? new TextEncoder().encode(body) : body,
  };
}

/** "Not done yet", or "not found", as servers of protocol 2 say it. */
export function envelope(managedStatus: 'pending' | 'notFound', responseValue: string): ScriptedReply {
  const body = JSON.stringify({ iTwinRpcCoreResponse: true, managedStatus, responseValue });
  return { status: managedStatus === 'pending' ? 202 : 404, body };
}

/** The arguments of a request with a text body. */
export function argumentsOf(request: HttpRequest): unknown {
  return JSON.parse(request.body as string);
}

/** The error that a call rejects with. */
export async function failureOf(call: Promise<unknown>): Promise<Error> {
  return call.then(
    (value) => {
      throw new Error(`The call was to fail, and gave ${JSON.stringify(value)}.`);
    },
    (error: Error) => error,
  );
}
