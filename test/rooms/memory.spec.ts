import { memoryBackplane } from '@linnet/common';
import { backplanePromises } from './backplane.conformance.js';
import { roomsPromises } from './rooms.conformance.js';

const shared = memoryBackplane();

backplanePromises('the backplane of one process', () => ({ connect: () => shared }));
roomsPromises('no backplane');
