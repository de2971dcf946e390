import type { CanActivate, Type } from '@nestjs/common';
import type { ExternalContextCreator, ModuleRef } from '@nestjs/core';
import type { IncomingHttpHeaders } from 'node:http';
import { correlationOf } from '../call/correlation.activity.js';
import { runUntilDone } from '../call/request.context.js';
import type { HttpGuard } from '../http/http.integration.js';
import { ExecutionContextHost } from '../nest/internals/nest.exports.js';
import { RequestGuards } from '../nest/pipeline/request.guards.js';

const next = () => undefined;
/** Stands for the guarded method: a document calls no method of the application. */
const readDocument = () => undefined;

/** The guards in front of the documents. */
export class DocumentGuard implements HttpGuard {
  readonly #guards: RequestGuards;

  constructor(moduleRef: ModuleRef, creator: ExternalContextCreator) {
    this.#guards = new RequestGuards(moduleRef, creator, 'documents');
  }

  /** Makes the guards at start. @throws Error if a guard cannot be made (rejection) */
  prepare(guards: readonly (Type<CanActivate> | CanActivate)[]): Promise<void> {
    return this.#guards.prepare(guards);
  }

  admit(request: { headers: IncomingHttpHeaders }, response: unknown): Promise<void> {
    const context = new ExecutionContextHost([request, response, next], DocumentGuard, readDocument);
    return runUntilDone(correlationOf(request.headers), () => this.#guards.admit(context));
  }
}
