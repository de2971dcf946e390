// Every check in one process, with one application.
import { after } from 'node:test';
import { served } from './callers.js';
import './context.checks.js';
import './limits.checks.js';
import './login.checks.js';
import './queries.checks.js';
import './shop.checks.js';
import './transactions.checks.js';
import './validation.checks.js';

after(() => served.stop());
