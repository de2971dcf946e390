import type { ApplicationConfig, LazyModuleLoader } from '@nestjs/core';
import type { InstanceWrapper } from '@nestjs/core/internal';

const watched = new WeakMap<LazyModuleLoader, (() => void)[]>();

/**
 * Runs work whenever an application has loaded a module lazily, for which Nest has no hook. If the work throws, loading
 * rejects with the error.
 */
export function onLazyModule(loader: LazyModuleLoader, work: () => void): void {
  const known = watched.get(loader);
  if (known) {
    known.push(work);
    return;
  }
  const all = [work];
  watched.set(loader, all);
  const load = loader.load.bind(loader);
  loader.load = async (...args) => {
    const moduleRef = await load(...args);
    for (const each of all) each();
    return moduleRef;
  };
}

/** Gives a provider that was loaded lazily the request-scoped global enhancers, which Nest hands out at start only. */
export function bindGlobalEnhancers(wrapper: InstanceWrapper, config: ApplicationConfig): void {
  const scoped = [
    ...config.getGlobalRequestGuards(),
    ...config.getGlobalRequestInterceptors(),
    ...config.getGlobalRequestPipes(),
    ...config.getGlobalRequestFilters(),
  ];
  const bound = new Set(wrapper.getEnhancersMetadata() ?? []);
  for (const enhancer of scoped) if (!bound.has(enhancer)) wrapper.addEnhancerMetadata(enhancer);
}
