import { IModelError, IModelStatus } from '@linnet/common';
import type { IpcCall, IpcChannelHandler } from '@linnet/common';

/** The channel by which pages of core-electron open dialogs (`ElectronApp.dialogIpc`). */
export const DIALOG_CHANNEL = 'itwinjs-electron/dialog';

/** The others return nothing, or stop the main process until the user has answered. */
const dialogs: readonly unknown[] = [
  'showOpenDialog',
  'showSaveDialog',
  'showMessageBox',
  'showCertificateTrustDialog',
];

/** Opens the dialogs that pages ask for. */
export function dialogHandler(dialog: object): IpcChannelHandler {
  const callDialog = ({ arguments: [method, ...args] }: IpcCall): unknown => {
    const open = dialogs.includes(method) && (dialog as Record<string, unknown>)[method as string];
    if (typeof open !== 'function')
      throw new IModelError(IModelStatus.FunctionNotFound, 'illegal electron dialog method');
    return (open as (...args: unknown[]) => unknown).apply(dialog, args);
  };
  return { name: 'ElectronDialogHandler', methods: new Map([['callDialog', callDialog]]) };
}
