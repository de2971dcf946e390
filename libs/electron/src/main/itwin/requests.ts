import type { IpcLimits } from '@linnet/common';
import { copyReceived, isBytes, isCount } from '@linnet/common/internal';

/** A request whose byte strings have not all arrived yet. */
interface Partial {
  readonly request: object;
  /** By their places. */
  readonly data: Map<number, Uint8Array>;
  /** How many there are to be. */
  readonly chunks: number;
  bytes: number;
  readonly timer: ReturnType<typeof setTimeout>;
}

/** Assembles the RPC requests of one page: their byte strings follow them, each in a message of its own. */
export class ITwinRequests {
  readonly #partial = new Map<string, Partial>();
  #bytes = 0;

  /**
   * @param complete is given each request with its byte strings in `parameters.data`
   * @param refuse is called with each request that cannot be taken, and the reason
   */
  constructor(
    private readonly limits: IpcLimits,
    private readonly complete: (request: object) => void,
    private readonly refuse: (request: object, message: string) => void,
  ) {}

  /** Stops waiting. */
  close(): void {
    for (const { timer } of this.#partial.values()) clearTimeout(timer);
    this.#partial.clear();
  }

  /** Receives a request. @throws IpcProtocolError if it can neither be copied nor answered */
  take(message: unknown): void {
    const request = this.#copied(message);
    if (!request) return;
    const { id, parameters } = request;
    const { objects, data, chunks = 0 } = Object(parameters) as Record<string, unknown>;
    const refusal = this.#refusal(id, objects, chunks);
    if (refusal !== undefined) this.refuse(request, refusal);
    else if (chunks === 0) this.#complete(request, Array.isArray(data) ? (data as unknown[]) : []);
    else {
      this.#bytes += (objects as string).length;
      const late = () => this.#drop(id as string, 'Byte strings of the request did not arrive in time.');
      this.#partial.set(id as string, {
        request,
        data: new Map(),
        chunks: chunks as number,
        bytes: (objects as string).length,
        timer: setTimeout(late, this.limits.arrivalMs),
      });
    }
  }

  /** Receives a byte string of a request; ignores it if the request was refused. @throws IpcProtocolError as {@link take} */
  takeData(message: unknown): void {
    const { id, index, data } = this.#copied(message) ?? {};
    const partial = this.#partial.get(id as string);
    if (!partial) return;
    const isMissing = isCount(index) && index < partial.chunks && !partial.data.has(index);
    if (!isMissing || !isBytes(data)) {
      this.#drop(id as string, 'Invalid request: a byte string does not belong to it.');
      return;
    }
    partial.data.set(index, data);
    partial.bytes += data.byteLength;
    this.#bytes += data.byteLength;
    const { messageBytes } = this.limits;
    if (this.#bytes > messageBytes) this.#drop(id as string, `A request of more than ${messageBytes} bytes.`);
    else if (partial.data.size === partial.chunks) {
      this.#forget(id as string, partial);
      const list = Array.from({ length: partial.chunks }, (_, at) => partial.data.get(at));
      this.#complete(partial.request, list);
    }
  }

  #refusal(id: unknown, objects: unknown, chunks: unknown): string | undefined {
    const { textLength, parts, waitingMessages, messageBytes } = this.limits;
    if (typeof id !== 'string' || id === '' || typeof objects !== 'string' || !isCount(chunks))
      return 'Invalid request: it has no id, or no arguments.';
    if (objects.length > textLength) return `A request of more than ${textLength} characters.`;
    if (chunks > parts) return `A request of more than ${parts} byte strings.`;
    if (this.#partial.has(id)) return 'A request of this id is being received already.';
    if (chunks === 0) return undefined;
    const isFull = this.#partial.size >= waitingMessages || this.#bytes + objects.length > messageBytes;
    return isFull ? 'Too many requests are incomplete.' : undefined;
  }

  #complete(request: object, data: unknown[]): void {
    const { parameters } = request as { readonly parameters: object };
    this.complete({ ...request, parameters: { ...parameters, data } });
  }

  #drop(id: string, message: string): void {
    const partial = this.#partial.get(id)!;
    this.#forget(id, partial);
    this.refuse(partial.request, message);
  }

  #forget(id: string, { timer, bytes }: Partial): void {
    clearTimeout(timer);
    this.#partial.delete(id);
    this.#bytes -= bytes;
  }

  #copied(message: unknown): Readonly<Record<string, unknown>> | undefined {
    try {
      const { value } = copyReceived([message], this.limits);
      return Object((value as unknown[])[0]) as Record<string, unknown>;
    } catch (error) {
      const { id } = Object(message) as { id?: unknown };
      if (typeof id !== 'string') throw error;
      const known = this.#partial.get(id);
      if (known) this.#drop(id, (error as Error).message);
      else this.refuse({ id }, (error as Error).message);
      return undefined;
    }
  }
}
