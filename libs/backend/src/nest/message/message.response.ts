import { EventEmitter } from 'node:events';

type Value = string | number | readonly string[];

/**
 * Stands for the response of a call that came over IPC, which has none: what the method returns or throws is answered.
 * Has what libraries call on the responses of Express and Fastify: headers and a status that nobody is sent, and the
 * event `finish` when the call is over.
 */
export class MessageResponse extends EventEmitter {
  statusCode = 200;
  statusMessage = '';
  headersSent = false;
  writableEnded = false;
  /** For what middleware hands on. */
  locals: Record<string, unknown> = {};
  private readonly values = new Map<string, Value>();

  constructor(readonly req: object) {
    super();
  }

  /** Fastify's name for Node's message: here the object itself. */
  get raw(): this {
    return this;
  }

  get sent(): boolean {
    return this.headersSent;
  }

  get finished(): boolean {
    return this.writableEnded;
  }

  setHeader(name: string, value: Value): this {
    this.values.set(name.toLowerCase(), value);
    return this;
  }

  /** As Express and Fastify have it: a name and a value, or several. */
  header(name: string | Readonly<Record<string, Value>>, value?: Value): this {
    if (typeof name === 'string') return value === undefined ? this : this.setHeader(name, value);
    for (const [each, of] of Object.entries(name)) this.setHeader(each, of);
    return this;
  }

  set(name: string | Readonly<Record<string, Value>>, value?: Value): this {
    return this.header(name, value);
  }

  headers(values: Readonly<Record<string, Value>>): this {
    return this.header(values);
  }

  appendHeader(name: string, value: string | readonly string[]): this {
    const before = this.values.get(name.toLowerCase()) ?? [];
    return this.setHeader(name, [before, value].flat().map(String));
  }

  append(name: string, value: string | readonly string[]): this {
    return this.appendHeader(name, value);
  }

  getHeader(name: string): Value | undefined {
    return this.values.get(name.toLowerCase());
  }

  get(name: string): Value | undefined {
    return this.getHeader(name);
  }

  getHeaders(): Record<string, Value> {
    return Object.fromEntries(this.values);
  }

  getHeaderNames(): string[] {
    return [...this.values.keys()];
  }

  hasHeader(name: string): boolean {
    return this.values.has(name.toLowerCase());
  }

  removeHeader(name: string): this {
    this.values.delete(name.toLowerCase());
    return this;
  }

  status(code: number): this {
    this.statusCode = code;
    return this;
  }

  code(code: number): this {
    return this.status(code);
  }

  type(type: string): this {
    return this.setHeader('Content-Type', type);
  }

  contentType(type: string): this {
    return this.type(type);
  }

  vary(name: string): this {
    return this.appendHeader('Vary', name);
  }

  /** Nobody is sent cookies, nor anything of {@link send} and what is like it: the call is answered by what is returned. */
  cookie(): this {
    return this;
  }

  setCookie(): this {
    return this;
  }

  clearCookie(): this {
    return this;
  }

  flushHeaders(): void {
    this.headersSent = true;
  }

  writeHead(code: number): this {
    this.headersSent = true;
    return this.status(code);
  }

  write(): boolean {
    this.headersSent = true;
    return true;
  }

  end(): this {
    this.headersSent = true;
    this.writableEnded = true;
    return this;
  }

  send(): this {
    return this.end();
  }

  json(): this {
    return this.end();
  }

  jsonp(): this {
    return this.end();
  }

  sendStatus(code: number): this {
    return this.status(code).end();
  }

  redirect(): this {
    return this.end();
  }
}
