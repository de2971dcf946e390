import type { ElectronStandIn } from './electron.stand-in.js' with { 'resolution-mode': 'import' };

/** Makes a stand-in what `electron` is; nothing: it is not there. */
export function install(standIn?: ElectronStandIn): void;
