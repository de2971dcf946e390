import type { INestApplication } from '@nestjs/common';

/** A `TestingModule`, of which an application can be made. */
export interface ApplicationSource {
  /** Makes the application, which is initialised when it is first used. */
  createNestApplication(): INestApplication;
}

/** Applications that are initialised, or about to be: once, however many clients they have. */
const ready = new WeakMap<object, Promise<INestApplication>>();

/** The application itself, or of a `TestingModule` the one that is made of it, initialised. */
export function applicationOf(app: INestApplication | ApplicationSource): Promise<INestApplication> {
  let application = ready.get(app);
  if (!application) ready.set(app, (application = initialise(app)));
  return application;
}

async function initialise(app: INestApplication | ApplicationSource): Promise<INestApplication> {
  const application = 'createNestApplication' in app ? app.createNestApplication() : app;
  await application.init();
  // Fastify has no routes before.
  const instance = application.getHttpAdapter().getInstance() as { ready?: () => PromiseLike<unknown> };
  await instance.ready?.();
  return application;
}
