import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createClient } from '@hey-api/openapi-ts';

/** The answer to a call, as the client has read it. */
export interface GeneratedAnswer {
  readonly data?: any;
  readonly error?: any;
  readonly response: Response;
  readonly stream: AsyncIterable<unknown>;
}

/** A client that `@hey-api/openapi-ts` has generated from an OpenAPI document. */
export class GeneratedClient {
  private constructor(
    private readonly functions: Record<string, (options: object) => Promise<GeneratedAnswer>>,
    private readonly baseUrl: string,
    private readonly folder: string,
  ) {}

  /** @param baseUrl the address of the server */
  static async of(document: object, baseUrl: string): Promise<GeneratedClient> {
    const folder = mkdtempSync(join(import.meta.dirname, 'generated-'));
    const plugins = ['@hey-api/typescript', '@hey-api/sdk', '@hey-api/client-fetch'] as const;
    await createClient({ input: document as never, output: folder, plugins, logs: { level: 'silent' } });
    const functions = (await import(join(folder, 'sdk.gen.ts'))) as GeneratedClient['functions'];
    return new GeneratedClient(functions, baseUrl, folder);
  }

  /** The names of its functions, sorted. */
  get names(): string[] {
    return Object.keys(this.functions).toSorted();
  }

  /** The name of the function of an operation, by its `operationId`. */
  static nameOf(operationId: string): string {
    return operationId
      .replace(/^./, (first) => first.toLowerCase())
      .replace(/_(.)/, (_, first: string) => first.toUpperCase());
  }

  call(name: string, body: unknown, options: object = {}): Promise<GeneratedAnswer> {
    const { baseUrl } = this;
    return this.functions[name]!({ baseUrl, headers: { 'X-Correlation-ID': 'a' }, body, ...options });
  }

  /** Deletes its files. */
  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
