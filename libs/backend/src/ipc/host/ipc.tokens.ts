/** Injection token of the module's options. */
export const IPC_OPTIONS = Symbol('linnet:ipc-options');
