import 'reflect-metadata';
import { ElectronHost } from '@linnet/electron/main';
import { startRobotWorldDesktop } from './robot-world.desktop.js';

await startRobotWorldDesktop();
// Not awaited, because Electron becomes ready only after this module has run.
void ElectronHost.openMainWindow({ width: 1280, height: 900, title: 'Robot World' });
